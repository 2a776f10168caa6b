//! Where images lie, and what proves where they came from: published once, signed there without a key, promoted from one
//! registry to the next with their signature, verified before anything runs.
//!
//! Must never build: bytes and digest stay what `cargo xtask image` made.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::Args;
use xshell::{Shell, cmd};

use super::image::ImageByDigest;
use crate::workspace::Workspace;

/// Who vouches for signatures: GitHub, for its own workflows.
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// What to publish.
#[derive(Debug, Args)]
pub(crate) struct PublishOptions {
    /// What `cargo xtask image` wrote
    #[arg(long, value_name = "FILE")]
    archive: PathBuf,
    /// The name that it gets, with the digest that it has
    #[arg(long, value_name = "IMAGE", value_parser = ImageByDigest::parse)]
    image: ImageByDigest,
    /// The registry's region
    #[arg(long, env, value_name = "REGION")]
    aws_region: String,
}

/// What to promote.
#[derive(Debug, Args)]
pub(crate) struct PromoteOptions {
    /// The image, where it is
    #[arg(long, value_name = "IMAGE", value_parser = ImageByDigest::parse)]
    image: ImageByDigest,
    /// The same image, where it shall be as well
    #[arg(long, value_name = "IMAGE", value_parser = ImageByDigest::parse)]
    to: ImageByDigest,
    /// The registries' region
    #[arg(long, env, value_name = "REGION")]
    aws_region: String,
}

/// Copies the archive into its registry and signs it there, by its digest.
pub(crate) fn publish(workspace: &Workspace, options: &PublishOptions) -> anyhow::Result<()> {
    let PublishOptions { archive, image, aws_region } = options;
    let shell = workspace.shell()?;
    log_in(&shell, image, aws_region)?;
    let (from, to) = (format!("oci-archive:{}", archive.display()), format!("docker://{}", image.tagged()));
    let folder = tempfile::tempdir()?;
    let written = folder.path().join("digest");
    cmd!(shell, "skopeo copy --preserve-digests --digestfile={written} {from} {to}").run()?;
    let digest = std::fs::read_to_string(&written).context("skopeo does not say what it copied")?;
    ensure!(
        digest.trim() == image.digest,
        "{} holds {}, not {}",
        archive.display(),
        digest.trim(),
        image.digest
    );
    let image = image.to_string();
    cmd!(shell, "cosign sign --yes {image}").run()?;
    Ok(())
}

/// Copies an image from one registry to the other, with its signature.
pub(crate) fn promote(workspace: &Workspace, options: &PromoteOptions) -> anyhow::Result<()> {
    let PromoteOptions { image, to, aws_region } = options;
    ensure!(
        image.digest == to.digest,
        "{image} can't become {to}: a promotion changes nothing but the place"
    );
    if image == to {
        println!("{image} is there already");
        return Ok(());
    }
    let shell = workspace.shell()?;
    log_in(&shell, image, aws_region)?;
    log_in(&shell, to, aws_region)?;
    let (from, to) = (image.to_string(), to.tagged());
    cmd!(shell, "cosign copy {from} {to}").run()?;
    Ok(())
}

/// Whether the image workflow of the repository's main branch signed it.
pub(super) fn verify(
    shell: &Shell,
    image: &ImageByDigest,
    repository: &str,
    region: &str,
) -> anyhow::Result<()> {
    log_in(shell, image, region)?;
    let signer = format!("https://github.com/{repository}/.github/workflows/image.yml@refs/heads/main");
    let image = image.to_string();
    cmd!(
        shell,
        "cosign verify --certificate-oidc-issuer={ISSUER} --certificate-identity={signer} --output=text {image}"
    )
    .ignore_stdout()
    .run()
    .with_context(|| format!("{image} is not signed by {signer}"))
}

/// For both programs, as each looks in its own place.
fn log_in(shell: &Shell, image: &ImageByDigest, region: &str) -> anyhow::Result<()> {
    let registry = image.registry();
    let password = cmd!(shell, "aws ecr get-login-password --region={region}").quiet().read()?;
    for program in ["cosign", "skopeo"] {
        cmd!(shell, "{program} login {registry} --username=AWS --password-stdin")
            .stdin(&password)
            .quiet()
            .ignore_stdout()
            .run()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Checkout;
    use super::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const OTHER: &str = "sha256:fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

    fn image(repository: &str, digest: &str) -> ImageByDigest {
        ImageByDigest::parse(&format!("{repository}@{digest}")).unwrap()
    }

    /// Registries in which each program does as it is told; skopeo finds an image of this digest.
    fn checkout(holds: &str) -> Checkout {
        let checkout = Checkout::default();
        checkout.program("aws", "echo secret");
        checkout.program("cosign", "");
        checkout.program(
            "skopeo",
            &format!(r#"for arg; do case $arg in --digestfile=*) echo {holds} > "${{arg#*=}}";; esac; done"#),
        );
        checkout
    }

    /// Calls but for logins, and without the name of the file that the digest is in.
    fn called(checkout: &Checkout) -> Vec<String> {
        let calls =
            checkout.called().into_iter().filter(|call| !call.contains(" login") && !call.contains("aws"));
        let words = |call: String| {
            let kept: Vec<&str> = call.split(' ').filter(|word| !word.starts_with("--digestfile")).collect();
            kept.join(" ").replace(DIGEST, "DIGEST").replace(&DIGEST.replace("sha256:", ""), "HEX")
        };
        calls.map(words).collect()
    }

    fn published(checkout: &Checkout) -> anyhow::Result<()> {
        let options = PublishOptions {
            archive: "image.tar".into(),
            image: image("registry/staging", DIGEST),
            aws_region: "us-east-1".to_owned(),
        };
        publish(&checkout.workspace(), &options)
    }

    #[test]
    fn what_was_built_is_copied_as_it_is_and_signed_by_its_digest() {
        let checkout = checkout(DIGEST);
        published(&checkout).unwrap();
        let copied = "skopeo copy --preserve-digests oci-archive:image.tar docker://registry/staging:HEX";
        assert_eq!(called(&checkout), [copied, "cosign sign --yes registry/staging@DIGEST"]);
        let passwords = checkout.called().iter().filter(|call| call.contains("secret")).count();
        assert_eq!(passwords, 0, "a password stands in a command line");
    }

    #[test]
    fn an_archive_of_another_image_is_not_signed() {
        let checkout = checkout(OTHER);
        let error = published(&checkout).unwrap_err().to_string();
        assert!(error.starts_with(&format!("image.tar holds {OTHER}")), "{error}");
        assert!(!called(&checkout).iter().any(|call| call.starts_with("cosign sign")));
    }

    #[test]
    fn a_promotion_changes_nothing_but_the_place() {
        let checkout = checkout(DIGEST);
        let promotion = |to: ImageByDigest| {
            let image = image("registry/staging", DIGEST);
            promote(&checkout.workspace(), &PromoteOptions { image, to, aws_region: "us-east-1".to_owned() })
        };
        promotion(image("registry/staging", DIGEST)).unwrap();
        assert!(promotion(image("registry/production", OTHER)).is_err());
        assert!(called(&checkout).is_empty());
        promotion(image("registry/production", DIGEST)).unwrap();
        assert_eq!(called(&checkout), ["cosign copy registry/staging@DIGEST registry/production:HEX"]);
    }

    #[test]
    fn only_the_image_workflow_of_the_main_branch_is_believed() {
        let checkout = checkout(DIGEST);
        let verified = || {
            let shell = checkout.workspace().shell().unwrap();
            verify(&shell, &image("registry/staging", DIGEST), "puntual/puntual", "us-east-1")
        };
        verified().unwrap();
        let asked = "cosign verify --certificate-oidc-issuer=https://token.actions.githubusercontent.com \
                     --certificate-identity=https://github.com/puntual/puntual/.github/workflows/image.yml\
                     @refs/heads/main --output=text registry/staging@DIGEST";
        assert_eq!(called(&checkout), [asked]);

        checkout.program("cosign", "[ $1 != verify ]");
        assert!(
            verified()
                .unwrap_err()
                .to_string()
                .contains("is not signed by https://github.com/puntual/puntual/")
        );
    }
}
