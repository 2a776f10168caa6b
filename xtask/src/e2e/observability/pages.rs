//! The questions of the runbooks' pages, asked in the situation that each page is for.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};

use crate::drill;
use crate::runbooks::{self, Page};
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

    /// Asks what the pages of these alerts ask.
    pub(super) fn ask(&mut self, stack: &Stack, alerts: &[&str]) -> anyhow::Result<()> {
        for alert in alerts {
            let name = format!("{alert}.md");
            let page = self.pages.get(&name).with_context(|| format!("no page {name}"))?;
            page.ask(&stack.prometheus).with_context(|| format!("runbooks/{name}"))?;
            println!("    {} questions of runbooks/{name} answered", page.questions.len());
            self.asked.insert(name);
        }
        Ok(())
    }

    /// No page was left out, but those of a drill, which asks them itself.
    pub(super) fn were_all_asked(&self) -> anyhow::Result<()> {
        let of_drills: BTreeSet<_> =
            drill::alerts(&self.pages)?.into_iter().map(|alert| format!("{alert}.md")).collect();
        let is_left = |(name, page): &(&String, &Page)| {
            !page.questions.is_empty() && !self.asked.contains(*name) && !of_drills.contains(*name)
        };
        let left: Vec<_> = self.pages.iter().filter(is_left).map(|(name, _)| name).collect();
        ensure!(left.is_empty(), "nobody made the situation of {left:?}");
        Ok(())
    }
}
