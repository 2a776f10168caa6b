//! The numbers of objectives, each a type of its own: [`Objective`], [`Budget`], [`Span`], [`BurnRate`], [`Tier`].
//!
//! Pure and exact: shares are whole parts per million, everything derived from them is decimal. Must never hold a
//! floating point number, never do IO, never know Prometheus' syntax beyond how a duration is written.

mod burn_rate;
mod objective;
mod span;
mod tier;

use rust_decimal::Decimal;

pub use self::burn_rate::BurnRate;
pub use self::objective::{Budget, Objective, ObjectiveError};
pub use self::span::{Span, SpanError};
pub use self::tier::{Period, Severity, Tier};

/// A share in percent without trailing zeros: 0.0144 becomes 1.44.
#[must_use]
pub fn percent(share: Decimal) -> Decimal {
    (share * Decimal::ONE_HUNDRED).normalize()
}
