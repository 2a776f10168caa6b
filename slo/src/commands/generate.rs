//! `slo generate`: everything that is made from the definitions, or what of it is stale.

use anstream::println;

use super::{CommandError, Verdict};
use crate::cli::{Definitions, Generate};
use crate::generate;
use crate::objectives::Objectives;
use crate::outputs;

/// Who is called; written by hand, taken over into Alertmanager's configuration.
const RECEIVERS: &str = "observability/alertmanager/receivers.yaml";

pub(super) fn run(definitions: &Definitions, options: &Generate) -> Result<Verdict, CommandError> {
    let objectives = Objectives { compression: options.compress, ..super::objectives(definitions)? };
    let receivers = super::read(definitions, RECEIVERS)?;
    let outputs = outputs::outputs(&objectives, &receivers, &super::programs(definitions)?)?;
    let folder = options.out.as_ref().unwrap_or(&definitions.root);
    if options.check {
        let stale = generate::stale(folder, &outputs);
        for output in &stale {
            eprintln!("stale: {}; `slo generate` writes it anew", output.path);
        }
        return Ok(if stale.is_empty() { Verdict::Pass } else { Verdict::Fail });
    }
    for output in generate::write(folder, &outputs)? {
        println!("wrote {}", output.path);
    }
    Ok(Verdict::Pass)
}
