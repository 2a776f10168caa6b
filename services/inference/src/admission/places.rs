//! How much is worked on at once. Each class finds a place only while fewer than its share of all places are taken, so
//! that the class with the least entitlement is shed first and those above it still find some: trunk reservation, as
//! telephone networks protect calls of a higher class (ITU-T E.412 §3.1; Key, "Optimal control and trunk reservation in
//! loss networks", 1990).

use std::sync::atomic::{AtomicUsize, Ordering};

/// All places.
#[derive(Debug)]
pub(super) struct Places {
    taken: AtomicUsize,
}

/// One of them, free again when dropped.
#[derive(Debug)]
pub(super) struct Place<'a>(&'a AtomicUsize);

impl Places {
    pub(super) const fn new() -> Self {
        Self { taken: AtomicUsize::new(0) }
    }

    /// A place, where fewer than `up_to` are taken.
    pub(super) fn take(&self, up_to: usize) -> Option<Place<'_>> {
        let one_more = |taken| (taken < up_to).then_some(taken + 1);
        let took = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        took.ok().map(|_before| Place(&self.taken))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// `percent` of `all`, at least one.
pub(super) fn share(all: usize, percent: u8) -> usize {
    (all.saturating_mul(usize::from(percent)) / 100).max(all.min(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_entitled_are_shed_first() {
        let places = Places::new();
        let held: Vec<_> = std::iter::from_fn(|| places.take(share(10, 50))).collect();
        assert_eq!(held.len(), 5);
        let rest: Vec<_> = std::iter::from_fn(|| places.take(share(10, 100))).collect();
        assert_eq!(rest.len(), 5);
        drop(held);
        assert!(places.take(share(10, 50)).is_none(), "five are still taken");
        drop(rest);
        assert!(places.take(share(10, 50)).is_some());
    }

    #[test]
    fn a_share_is_at_least_one_place_unless_there_are_none() {
        assert_eq!((share(512, 100), share(10, 5), share(1, 1), share(0, 100)), (512, 1, 1, 0));
    }
}
