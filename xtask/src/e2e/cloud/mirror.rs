//! Where Terraform gets its provider: from a folder of this machine that holds it, or from its registry.
//!
//! Must never choose another version: the lock files of the roots say which one it has to be, and what its hash is.

use std::path::{Path, PathBuf};

/// The provider's place in a mirror, as Terraform lays one out.
const PROVIDER: &str = "registry.terraform.io/hashicorp/aws";

/// Folders in which machines without a way to the registry keep a mirror, themselves or one level below.
const PLACES: [&str; 4] = ["/opt", "/usr/local/share", "/usr/share", "/var/lib"];

/// Terraform's configuration. Without a mirror it says nothing, and Terraform asks the registry; where it can't be
/// reached, that is an error and no skip.
pub(super) fn configuration() -> String {
    find(&PLACES.map(Path::new)).map_or_else(String::new, |folder| {
        let path = folder.display();
        format!("provider_installation {{\n  filesystem_mirror {{\n    path = \"{path}\"\n  }}\n}}\n")
    })
}

/// The first folder that holds the provider.
fn find(places: &[&Path]) -> Option<PathBuf> {
    let below = places.iter().filter_map(|place| std::fs::read_dir(place).ok()).flatten();
    let below = below.filter_map(|entry| Some(entry.ok()?.path()));
    let mut all: Vec<PathBuf> = places.iter().map(|place| place.to_path_buf()).chain(below).collect();
    all.sort_unstable();
    all.into_iter().find(|folder| folder.join(PROVIDER).is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_found_in_a_place_or_one_level_below_it_and_no_deeper() {
        let machine = tempfile::tempdir().unwrap();
        let place = machine.path().join("opt");
        assert_eq!(find(&[&place]), None, "a place that is not there");

        std::fs::create_dir_all(place.join("deep/deeper").join(PROVIDER)).unwrap();
        assert_eq!(find(&[&place]), None);

        std::fs::create_dir_all(place.join("mirror").join(PROVIDER)).unwrap();
        assert_eq!(find(&[&place]), Some(place.join("mirror")));
    }
}
