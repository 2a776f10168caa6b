//! An image named so that it can't become another one.

use std::fmt;

/// `REPOSITORY@sha256:DIGEST`. What it holds is safe in a command line and in Helm's `--set-string`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageByDigest {
    /// Registry and name, without a tag.
    repository: String,
    /// `sha256:` and 64 hexadecimal digits.
    pub(super) digest: String,
}

impl ImageByDigest {
    /// # Errors
    /// What is wrong, and what would be right.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (repository, digest) =
            text.split_once('@').ok_or("an image is named by its digest: REPOSITORY@sha256:DIGEST")?;
        let hexadecimal = digest.strip_prefix("sha256:").unwrap_or_default();
        let is_digest = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if hexadecimal.len() != 64 || !hexadecimal.bytes().all(is_digest) {
            return Err(format!("`{digest}` is no digest: `sha256:` and 64 small hexadecimal digits"));
        }
        let is_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte);
        let name = repository.rsplit('/').next().unwrap_or_default();
        if name.is_empty() || !repository.bytes().all(is_of_a_name) {
            return Err(format!("`{repository}` is no repository, such as registry.example.com/inference"));
        }
        if name.contains(':') && repository.contains('/') {
            return Err(format!("`{repository}` has a tag beside its digest; leave the tag out"));
        }
        Ok(Self { repository: repository.to_owned(), digest: digest.to_owned() })
    }

    /// Its pods' label `version`, as the chart writes it.
    pub(crate) fn version(&self) -> &str {
        let hexadecimal = self.digest.trim_start_matches("sha256:");
        hexadecimal.get(..12).unwrap_or(hexadecimal)
    }

    /// The host that has the repository.
    pub(super) fn registry(&self) -> &str {
        self.repository.split_once('/').map_or(&self.repository, |(registry, _)| registry)
    }

    /// The name under which it is pushed, as a registry wants a tag: the digest again, which no other image can have.
    pub(super) fn tagged(&self) -> String {
        let Self { repository, digest } = self;
        format!("{repository}:{}", digest.trim_start_matches("sha256:"))
    }
}

impl fmt::Display for ImageByDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.repository, self.digest)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[rstest]
    #[case::of_a_registry("000000000000.dkr.ecr.us-east-1.amazonaws.com/puntual-staging/inference")]
    #[case::with_a_port("127.0.0.1:5000/inference")]
    #[case::of_this_machine("inference")]
    fn an_image_with_its_digest_is_taken_as_it_is(#[case] repository: &str) {
        let text = format!("{repository}@{DIGEST}");
        assert_eq!(ImageByDigest::parse(&text).unwrap().to_string(), text);
    }

    #[rstest]
    #[case::a_tag("registry/inference:v1", "named by its digest")]
    #[case::nothing("", "named by its digest")]
    #[case::a_short_digest("registry/inference@sha256:0123", "`sha256:0123` is no digest")]
    #[case::another_hash(&format!("registry/inference@{}", DIGEST.replace("sha256", "sha512")), "is no digest")]
    #[case::capitals(&format!("registry/inference@{}", DIGEST.to_uppercase()), "is no digest")]
    #[case::more_behind_it(&format!("registry/inference@{DIGEST},replicas=0"), "is no digest")]
    #[case::two_digests(&format!("registry/inference@{DIGEST}@{DIGEST}"), "is no digest")]
    #[case::no_repository(&format!("@{DIGEST}"), "is no repository")]
    #[case::another_setting_of_helm(&format!("registry/a,replicas=0@{DIGEST}"), "is no repository")]
    #[case::a_flag_of_a_shell(&format!("registry/$(id)@{DIGEST}"), "is no repository")]
    #[case::a_tag_and_a_digest(&format!("registry/inference:v1@{DIGEST}"), "leave the tag out")]
    fn what_could_become_another_image_is_refused(#[case] text: &str, #[case] says: &str) {
        let error = ImageByDigest::parse(text).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}
