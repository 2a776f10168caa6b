//! The questions of the runbooks' pages, asked in the situation that each page is for.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};

use crate::runbooks::{self, Block};
use crate::stack::Stack;
use crate::workspace::Workspace;

/// The pages, and which of them were asked.
#[derive(Debug)]
pub(super) struct Pages {
    pages: runbooks::Pages,
    asked: BTreeSet<String>,
}

impl Pages {
    pub(super) fn read(workspace: &Workspace) -> anyhow::Result<Self> {
        Ok(Self { pages: runbooks::pages(workspace)?, asked: BTreeSet::new() })
    }

    /// Asks what the pages of these alerts ask. Each question has an answer: a person who reads the page has it too.
    pub(super) fn ask(&mut self, stack: &Stack, alerts: &[&str]) -> anyhow::Result<()> {
        for alert in alerts {
            let name = format!("{alert}.md");
            let page = self.pages.get(&name).with_context(|| format!("no page {name}"))?;
            for Block { line, text, .. } in &page.questions {
                let answer =
                    stack.prometheus.query(text).with_context(|| format!("runbooks/{name}:{line}"))?;
                ensure!(!answer.is_empty(), "runbooks/{name}:{line}: no answer while it is needed: {text}");
            }
            println!("    {} questions of runbooks/{name} answered", page.questions.len());
            self.asked.insert(name);
        }
        Ok(())
    }

    /// No page was left out.
    pub(super) fn were_all_asked(&self) -> anyhow::Result<()> {
        let left: Vec<_> = self
            .pages
            .iter()
            .filter(|(name, page)| !page.questions.is_empty() && !self.asked.contains(*name))
            .map(|(name, _)| name)
            .collect();
        ensure!(left.is_empty(), "nobody made the situation of {left:?}");
        Ok(())
    }
}
