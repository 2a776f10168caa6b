//! Each game day of `runbooks/drills.md`, with a script in place of the person who follows the page.

use super::E2e;
use crate::drill;

/// `cargo xtask e2e drills`
pub(crate) const TEST: E2e = E2e {
    name: "drills",
    summary: "each fault of runbooks/drills.md has its alert come, and what the alert's page says to type mends it",
    needs: drill::NEEDS,
    run: drill::all,
};
