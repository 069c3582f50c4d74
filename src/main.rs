//! Parse, launch, print the error and its hint, exit with its code. Invariant: the only place that speaks to a person about a failure.

use std::process::ExitCode;

fn main() -> ExitCode {
    drygate::launch::main()
}
