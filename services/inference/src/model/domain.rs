//! The domain the model was trained on: groups of features of which exactly one is set. Counts what is outside; never
//! refuses it.

use serde::Deserialize;

/// One categorical variable: the features `start..end`, of which a row of the domain sets exactly one to 1.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureGroup {
    /// The variable's name, for example `OPERA`.
    pub name: String,
    /// The first feature of the group.
    pub start: usize,
    /// One past the last feature of the group.
    pub end: usize,
}

/// All groups of a model. A model without groups has no domain: every row is inside.
#[derive(Debug, Clone, Default)]
pub struct Domain {
    groups: Vec<FeatureGroup>,
}

impl Domain {
    /// The domain of these groups.
    ///
    /// # Errors
    /// Says which group is empty or reaches beyond `features`.
    pub fn new(groups: Vec<FeatureGroup>, features: usize) -> Result<Self, String> {
        match groups.iter().find(|group| group.start >= group.end || group.end > features) {
            Some(FeatureGroup { name, start, end }) => {
                Err(format!("group {name} is {start}..{end}; expected a range within 0..{features}"))
            }
            None => Ok(Self { groups }),
        }
    }

    /// The groups, in the order of the features.
    #[must_use]
    pub fn groups(&self) -> &[FeatureGroup] {
        &self.groups
    }

    /// The groups in which `row` is not one-hot.
    pub fn violated<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = &'a FeatureGroup> {
        self.groups.iter().filter(|group| !row.get(group.start..group.end).is_some_and(is_one_hot))
    }
}

#[expect(clippy::float_cmp, reason = "one-hot means the exact values 0 and 1")]
fn is_one_hot(values: &[f32]) -> bool {
    let ones = values.iter().filter(|value| **value == 1.0).count();
    let zeros = values.iter().filter(|value| **value == 0.0).count();
    ones == 1 && ones + zeros == values.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain() -> Domain {
        let group = |name: &str, start, end| FeatureGroup { name: name.to_owned(), start, end };
        Domain::new(vec![group("A", 0, 2), group("B", 2, 5)], 5).expect("groups within the row")
    }

    fn violated(row: &[f32]) -> Vec<String> {
        domain().violated(row).map(|group| group.name.clone()).collect()
    }

    #[test]
    fn a_one_hot_row_is_inside() {
        assert!(violated(&[0.0, 1.0, 1.0, 0.0, 0.0]).is_empty());
    }

    #[test]
    fn the_group_that_is_not_one_hot_is_named() {
        assert_eq!(violated(&[0.0, 1.0, 1.0, 1.0, 0.0]), ["B"]);
        assert_eq!(violated(&[0.0, 0.0, 1.0, 0.0, 0.0]), ["A"]);
        assert_eq!(violated(&[0.5, 0.5, 0.0, 0.0, 2.0]), ["A", "B"]);
        assert_eq!(violated(&[1.0, 0.5, 1.0, 0.0, 0.0]), ["A"]);
    }

    #[test]
    fn a_group_beyond_the_features_is_refused() {
        let beyond = FeatureGroup { name: "MES".to_owned(), start: 3, end: 6 };
        assert_eq!(
            Domain::new(vec![beyond], 5).unwrap_err(),
            "group MES is 3..6; expected a range within 0..5"
        );
    }
}
