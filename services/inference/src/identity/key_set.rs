//! The keys that are valid together, and which of them a token asks for. Reads no file and fetches nothing.

use jsonwebtoken::{Algorithm, AlgorithmFamily};
use serde::Deserialize;

use super::jose_header::JoseHeader;
use super::{KeyError, Refusal, SigningAlgorithm, VerificationKey};

/// Tells a key from every other that the service has had: what was verified with it is worth something for as long as
/// the key is in the set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct KeyNumber(u64);

/// The keys that are valid together; by default none, where no token is a proof.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: Vec<(KeyNumber, VerificationKey)>,
    /// The highest number that was given so far.
    newest: u64,
    /// How many sets there were before this one.
    generation: u64,
}

/// The set of this key alone, with all of its algorithms.
impl From<VerificationKey> for KeySet {
    fn from(key: VerificationKey) -> Self {
        Self::of(vec![key])
    }
}

impl KeySet {
    fn of(keys: Vec<VerificationKey>) -> Self {
        let keys = keys.into_iter().map(|key| (KeyNumber::default(), key)).collect();
        Self { keys, ..Self::default() }
    }

    /// Of `keys` those that sign with one of the `allowed` algorithms.
    ///
    /// # Errors
    /// [`KeyError::NoUsableKey`] where none is left.
    pub fn new(keys: Vec<VerificationKey>, allowed: &[SigningAlgorithm]) -> Result<Self, KeyError> {
        Self::usable(keys.len(), keys, allowed)
    }

    fn usable(
        found: usize,
        keys: Vec<VerificationKey>,
        allowed: &[SigningAlgorithm],
    ) -> Result<Self, KeyError> {
        let is_allowed =
            |algorithm: &Algorithm| allowed.iter().any(|one| Algorithm::from(*one) == *algorithm);
        let keep = |mut key: VerificationKey| {
            key.algorithms.retain(is_allowed);
            (!key.algorithms.is_empty()).then_some(key)
        };
        let keys: Vec<_> = keys.into_iter().filter_map(keep).collect();
        if keys.is_empty() {
            let names: Vec<_> = allowed.iter().map(|one| format!("{:?}", Algorithm::from(*one))).collect();
            return Err(KeyError::NoUsableKey { keys: found, allowed: names.join(", ") });
        }
        Ok(Self::of(keys))
    }

    /// The keys of a JWK Set (RFC 7517 §5); those that are not for signatures are left out.
    ///
    /// # Errors
    /// [`KeyError::NotJwks`] or [`KeyError::NoUsableKey`].
    pub fn from_jwks(json: &[u8], allowed: &[SigningAlgorithm]) -> Result<Self, KeyError> {
        #[derive(Deserialize)]
        struct Jwks {
            keys: Vec<serde_json::Value>,
        }
        let set: Jwks = serde_json::from_slice(json).map_err(KeyError::NotJwks)?;
        let found = set.keys.len();
        let keys = set.keys.into_iter().filter_map(VerificationKey::from_jwk).collect();
        Self::usable(found, keys, allowed)
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// How many sets there were before this one; what was refused by one may be right by the next.
    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether the key of this number is one of the set.
    pub(super) fn has(&self, number: KeyNumber) -> bool {
        self.keys.iter().any(|(own, _)| *own == number)
    }

    /// This set as the one after `old`: a key that both have keeps its number, any other gets one that no key had.
    /// `None` where nothing changed.
    pub(super) fn after(self, old: &Self) -> Option<Self> {
        let same = self.keys.iter().map(|(_, key)| key).eq(old.keys.iter().map(|(_, key)| key));
        if same {
            return None;
        }
        let mut newest = old.newest;
        let mut number = |key: &VerificationKey| {
            let kept = old.keys.iter().find(|(_, other)| other == key).map(|(number, _)| *number);
            kept.unwrap_or_else(|| {
                newest += 1;
                KeyNumber(newest)
            })
        };
        let keys = self.keys.into_iter().map(|(_, key)| (number(&key), key)).collect();
        Some(Self { keys, newest, generation: old.generation + 1 })
    }

    /// The key that a token with this header was signed with, by its own word; the signature is to be checked.
    ///
    /// # Errors
    /// [`Refusal::UnknownKey`] where no key has the token's `kid`; [`Refusal::AlgorithmConfusion`] or
    /// [`Refusal::WrongAlgorithm`] where the key is not used with the token's algorithm.
    pub(super) fn choose(&self, header: &JoseHeader) -> Result<(KeyNumber, &VerificationKey), Refusal> {
        // A key without a name, such as a PEM file's, is whatever a token calls it.
        let named = |key: &VerificationKey| match (&key.id, &header.kid) {
            (Some(id), Some(kid)) => id == kid,
            _ => true,
        };
        let mut candidates = self.keys.iter().filter(|(_, key)| named(key)).peekable();
        if candidates.peek().is_none() {
            return Err(Refusal::UnknownKey);
        }
        if let Some((number, key)) = candidates.find(|(_, key)| key.algorithms.contains(&header.algorithm)) {
            return Ok((*number, key));
        }
        // HMAC under a public key, which everybody has (RFC 8725 §2.1).
        let is_hmac = header.algorithm.family() == AlgorithmFamily::Hmac;
        Err(if is_hmac { Refusal::AlgorithmConfusion } else { Refusal::WrongAlgorithm })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> VerificationKey {
        VerificationKey::from_secret(&[byte; 32]).unwrap()
    }

    fn numbers(set: &KeySet) -> Vec<u64> {
        set.keys.iter().map(|(KeyNumber(number), _)| *number).collect()
    }

    #[test]
    fn a_key_keeps_its_number_and_none_gets_that_of_another() {
        let mut set = KeySet::default();
        let sets: [(&[u8], &[u64]); 5] =
            [(&[1, 2], &[1, 2]), (&[2, 3], &[2, 3]), (&[], &[]), (&[3, 1], &[4, 5]), (&[1], &[5])];
        for (keys, expected) in sets {
            set = KeySet::of(keys.iter().copied().map(key).collect()).after(&set).unwrap();
            assert_eq!(numbers(&set), expected, "{keys:?}");
        }
        assert_eq!(set.generation(), 5);
        assert!(set.has(KeyNumber(5)) && !set.has(KeyNumber(4)) && !set.has(KeyNumber::default()));
    }

    #[test]
    fn the_same_keys_are_no_new_set() {
        let set = KeySet::of(vec![key(1), key(2)]).after(&KeySet::default()).unwrap();
        assert_eq!(set.len(), 2);
        assert!(KeySet::of(vec![key(1), key(2)]).after(&set).is_none());
        let mut renamed = key(1);
        renamed.id = Some("a".to_owned());
        assert_eq!(numbers(&KeySet::of(vec![renamed, key(2)]).after(&set).unwrap()), [3, 2]);
        let mut narrowed = key(1);
        narrowed.algorithms.clear();
        assert_eq!(numbers(&KeySet::of(vec![narrowed, key(2)]).after(&set).unwrap()), [3, 2]);
    }
}
