//! What can be changed about one rule: each number, operator, window, selector, alternative, hold and label.

use std::convert::Infallible;

use promql_parser::label::Matcher;
use promql_parser::parser::token::{
    T_ADD, T_DIV, T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_MUL, T_SUB, TokenId, TokenType,
};
use promql_parser::parser::{BinaryExpr, Expr, MatrixSelector, NumberLiteral, SubqueryExpr, VectorSelector};
use promql_parser::util::{ExprVisitor, display_duration, walk_expr};

use crate::numbers::Span;
use crate::query::Query;
use crate::rules::{Alert, NO_HOLD, Rule};

/// How a change begins that is made to `0 * …`: there only labels count.
const TIMES_NOTHING: &str = "in 0 * …: ";

/// A rule with one change.
#[derive(Debug, Clone)]
pub(super) struct Changed {
    pub(super) what: String,
    pub(super) rule: Rule,
}

/// Every change of a rule.
pub(super) fn all(rule: &Rule) -> Vec<Changed> {
    let mut changes = of_expression(rule);
    changes.extend(of_hold(rule));
    changes.extend(of_labels(rule));
    changes
}

fn of_expression(rule: &Rule) -> Vec<Changed> {
    let mut collected = Collect::default();
    let Ok(_) = walk_expr(&mut collected, rule.query().expr());
    let mut changes = Vec::new();
    for (at, alternatives) in collected.nodes.into_iter().enumerate() {
        for (what, node) in alternatives {
            let mut expr = rule.query().expr().clone();
            replace(&mut expr, &mut Some(at), &node);
            // What Prometheus would not load says nothing about the tests.
            if let Ok(query) = Query::parse(expr.to_string()) {
                changes.push(Changed { what, rule: with_query(rule, query) });
            }
        }
    }
    changes
}

fn of_hold(rule: &Rule) -> Vec<Changed> {
    let Rule::Alert(Alert { hold, .. }) = rule else { return Vec::new() };
    let Ok(span) = hold.parse::<Span>() else { return Vec::new() };
    let change = |other: String| {
        let mut changed = rule.clone();
        let what = format!("for: {hold} becomes {other}");
        if let Rule::Alert(Alert { hold, .. }) = &mut changed {
            *hold = other;
        }
        Changed { what, rule: changed }
    };
    if hold == NO_HOLD {
        return Vec::new();
    }
    vec![change(NO_HOLD.to_owned()), change(span.times(2).to_string()), change(span.part(2).to_string())]
}

/// Without a label the alert reaches nobody, or inhibits the wrong one.
fn of_labels(rule: &Rule) -> Vec<Changed> {
    let (Rule::Record { labels, .. } | Rule::Alert(Alert { labels, .. })) = rule;
    let without = |name: &String| {
        let mut changed = rule.clone();
        let (Rule::Record { labels, .. } | Rule::Alert(Alert { labels, .. })) = &mut changed;
        labels.remove(name);
        Changed { what: format!("label {name} is gone"), rule: changed }
    };
    labels.keys().map(without).collect()
}

fn with_query(rule: &Rule, query: Query) -> Rule {
    let mut changed = rule.clone();
    match &mut changed {
        Rule::Record { expr, .. } | Rule::Alert(Alert { expr, .. }) => *expr = query,
    }
    changed
}

/// What one node may become.
fn alternatives(node: &Expr) -> Vec<(String, Expr)> {
    match node {
        Expr::NumberLiteral(number) => numbers(number.val),
        Expr::Binary(binary) => operators(binary),
        Expr::VectorSelector(selector) => selectors(selector).into_iter().map(vector).collect(),
        Expr::MatrixSelector(MatrixSelector { vs, range }) => {
            let matrix = |(what, vs)| (what, Expr::MatrixSelector(MatrixSelector { vs, range: *range }));
            let mut changes: Vec<_> = selectors(vs).into_iter().map(matrix).collect();
            for other in [*range * 2, *range / 2] {
                let what = format!("[{}] becomes [{}]", display_duration(range), display_duration(&other));
                changes.push((what, Expr::MatrixSelector(MatrixSelector { vs: vs.clone(), range: other })));
            }
            changes
        }
        Expr::Subquery(subquery) => subqueries(subquery),
        _ => Vec::new(),
    }
}

fn vector((what, selector): (String, VectorSelector)) -> (String, Expr) {
    (what, Expr::VectorSelector(selector))
}

/// 2 % more or less; of whole numbers one.
fn numbers(value: f64) -> Vec<(String, Expr)> {
    let others = if value.fract() == 0.0 { [value + 1.0, value - 1.0] } else { [value * 1.02, value * 0.98] };
    others
        .map(|other| (format!("{value} becomes {other}"), Expr::NumberLiteral(NumberLiteral { val: other })))
        .into()
}

fn operators(binary: &BinaryExpr) -> Vec<(String, Expr)> {
    let mut changes = Vec::new();
    let id = binary.op.id();
    let opposites: &[TokenId] = match id {
        T_GTR => &[T_LSS],
        T_GTE => &[T_LSS, T_GTR],
        T_LSS => &[T_GTR],
        T_LTE => &[T_GTR],
        T_LAND => &[T_LOR],
        T_LOR => &[T_LAND],
        T_ADD => &[T_SUB],
        T_SUB => &[T_ADD],
        T_MUL => &[T_DIV],
        T_DIV => &[T_MUL],
        _ => &[],
    };
    for opposite in opposites {
        let changed = BinaryExpr { op: TokenType::new(*opposite), ..binary.clone() };
        changes.push((format!("{} becomes {}", binary.op, TokenType::new(*opposite)), Expr::Binary(changed)));
    }
    if binary.op.is_set_operator() || binary.op.is_comparison_operator() {
        let what = format!("`{} {}` is gone", binary.op, binary.rhs);
        changes.push((what, (*binary.lhs).clone()));
    }
    changes
}

/// Wider by one condition, or of another window.
fn selectors(selector: &VectorSelector) -> Vec<(String, VectorSelector)> {
    let mut changes = Vec::new();
    for (at, matcher) in selector.matchers.matchers.iter().enumerate() {
        let mut wider = selector.clone();
        wider.matchers.matchers.remove(at);
        changes.push((format!("{} is gone from {}", shown(matcher), named(selector)), wider));
    }
    for (from, to) in
        [("5m", "1h"), ("30m", "6h"), ("2h", "1d"), ("6h", "3d"), ("1h", "5m"), ("1d", "2h"), ("3d", "6h")]
    {
        if let Some(stem) = selector.name.as_deref().and_then(|name| name.strip_suffix(from))
            && !stem.ends_with(|last: char| last.is_ascii_digit())
        {
            let other = VectorSelector { name: Some(format!("{stem}{to}")), ..selector.clone() };
            changes.push((format!("{} becomes {}", named(selector), named(&other)), other));
        }
    }
    changes
}

fn subqueries(subquery: &SubqueryExpr) -> Vec<(String, Expr)> {
    let half = SubqueryExpr { range: subquery.range / 2, ..subquery.clone() };
    let coarse = SubqueryExpr { step: subquery.step.map(|step| step * 2), ..subquery.clone() };
    [("half of the range", half), ("twice the step", coarse)]
        .map(|(what, changed)| (what.to_owned(), Expr::Subquery(changed)))
        .into()
}

fn shown(matcher: &Matcher) -> String {
    matcher.to_string()
}

fn named(selector: &VectorSelector) -> &str {
    selector.name.as_deref().unwrap_or_default()
}

/// What each node may become, in the order in which they are met.
#[derive(Default)]
struct Collect {
    nodes: Vec<Vec<(String, Expr)>>,
    /// Nodes to come that are multiplied by 0, which is a different thing to change.
    nothing: usize,
}

impl ExprVisitor for Collect {
    type Error = Infallible;

    fn pre_visit(&mut self, node: &Expr) -> Result<bool, Infallible> {
        let mut changes = alternatives(node);
        if let Some(left) = self.nothing.checked_sub(1) {
            self.nothing = left;
            for (what, _) in &mut changes {
                what.insert_str(0, TIMES_NOTHING);
            }
        }
        self.nodes.push(changes);
        if let Expr::Binary(BinaryExpr { op, lhs, .. }) = node
            && op.id() == T_MUL
            && matches!(&**lhs, Expr::NumberLiteral(number) if number.val == 0.0)
        {
            self.nothing = nodes_below(node);
        }
        Ok(true)
    }
}

/// How many nodes stand below one.
fn nodes_below(node: &Expr) -> usize {
    struct Count(usize);
    impl ExprVisitor for Count {
        type Error = Infallible;

        fn pre_visit(&mut self, _node: &Expr) -> Result<bool, Infallible> {
            self.0 += 1;
            Ok(true)
        }
    }
    let mut count = Count(0);
    let Ok(_) = walk_expr(&mut count, node);
    count.0.saturating_sub(1)
}

/// Puts a node in the place of the one that is met after so many others, in the order of the parser's own visitor, which
/// changes nothing.
fn replace(expr: &mut Expr, others: &mut Option<usize>, node: &Expr) {
    let Some(left) = *others else { return };
    *others = left.checked_sub(1);
    if left == 0 {
        expr.clone_from(node);
        return;
    }
    let children: Vec<&mut Expr> = match expr {
        Expr::Aggregate(aggregate) => vec![&mut aggregate.expr],
        Expr::Unary(unary) => vec![&mut unary.expr],
        Expr::Binary(binary) => vec![&mut binary.lhs, &mut binary.rhs],
        Expr::Paren(paren) => vec![&mut paren.expr],
        Expr::Subquery(subquery) => vec![&mut subquery.expr],
        Expr::Call(call) => call.args.args.iter_mut().map(AsMut::as_mut).collect(),
        _ => Vec::new(),
    };
    for child in children {
        replace(child, others, node);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn changes(expr: &str) -> Vec<String> {
        let rule = Rule::Record {
            record: "x".to_owned(),
            expr: Query::parse(expr).unwrap(),
            labels: BTreeMap::new(),
        };
        all(&rule).into_iter().map(|changed| changed.rule.query().to_string()).collect()
    }

    #[test]
    fn every_part_of_an_expression_is_changed_once() {
        insta::assert_snapshot!(
            changes(
                "(sum(increase(a_total{x=\"1\",y=~\"2|3\"}[5m])) or 0 * b) / (b > 0.5) and c:increase1h >= 5"
            )
            .join("\n")
        );
    }
}
