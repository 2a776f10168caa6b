//! Quota classes: how much the identities of a class may ask, each for itself.

/// A class of the configuration, by its place there; the first is the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Class(pub u8);
