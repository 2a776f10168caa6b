//! The numbers of objectives, each a type of its own: [`Objective`], [`Budget`], [`Span`], [`BurnRate`], [`Tier`].
//!
//! Pure and exact: shares are whole parts per million, everything derived from them is decimal. Must never hold a
//! floating point number, never do IO, never know Prometheus' syntax beyond how a duration is written.

mod burn_rate;
mod objective;
mod span;
mod tier;

pub use self::burn_rate::BurnRate;
pub use self::objective::{Budget, Objective, ObjectiveError};
pub use self::span::{Span, SpanError};
pub use self::tier::{Period, Severity, Tier};
