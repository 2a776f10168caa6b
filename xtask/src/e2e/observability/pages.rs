//! The questions of the runbooks' pages, asked in the situation that each page is for.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use xshell::cmd;

use crate::stack::Stack;
use crate::workspace::Workspace;

/// What a page asks of Prometheus.
#[derive(Debug, Deserialize)]
struct Question {
    line: usize,
    query: String,
}

/// The pages, and which of them were asked.
#[derive(Debug)]
pub(super) struct Pages {
    questions: BTreeMap<String, Vec<Question>>,
    asked: BTreeSet<String>,
}

impl Pages {
    pub(super) fn read(workspace: &Workspace) -> anyhow::Result<Self> {
        let shell = workspace.shell()?;
        let json =
            cmd!(shell, "cargo run --quiet --locked --package slo -- runbooks --json").quiet().read()?;
        Ok(Self {
            questions: serde_json::from_str(&json).context("slo runbooks --json")?,
            asked: BTreeSet::new(),
        })
    }

    /// Asks what the pages of these alerts ask. Each question has an answer: a person who reads the page has it too.
    pub(super) fn ask(&mut self, stack: &Stack, alerts: &[&str]) -> anyhow::Result<()> {
        for alert in alerts {
            let page = format!("{alert}.md");
            let questions = self.questions.get(&page).with_context(|| format!("no page {page}"))?;
            for Question { line, query } in questions {
                let answer =
                    stack.prometheus.query(query).with_context(|| format!("runbooks/{page}:{line}"))?;
                ensure!(!answer.is_empty(), "runbooks/{page}:{line}: no answer while it is needed: {query}");
            }
            println!("    {} questions of runbooks/{page} answered", questions.len());
            self.asked.insert(page);
        }
        Ok(())
    }

    /// No page was left out.
    pub(super) fn were_all_asked(&self) -> anyhow::Result<()> {
        let left: Vec<_> = self
            .questions
            .iter()
            .filter(|(page, questions)| !questions.is_empty() && !self.asked.contains(*page))
            .map(|(page, _)| page)
            .collect();
        ensure!(left.is_empty(), "nobody made the situation of {left:?}");
        Ok(())
    }
}
