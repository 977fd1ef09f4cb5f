//! `sotto mcp`

use clap::Args;
use sotto_cli::{Context, Outcome};

/// `sotto mcp`
#[derive(Args, Debug)]
pub struct Mcp {}

impl Mcp {
    /// Serves one client, until the client closes standard input.
    pub fn run(self, context: &Context) -> Outcome {
        Ok(sotto_mcp::serve(context.profile()?)?)
    }
}
