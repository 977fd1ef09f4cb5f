//! Every committed trace: runs that violated a property once, shrunk. None does any more.

use std::fs;
use std::path::Path;

use sotto_simulations::Trace;

#[test]
fn no_kept_trace_fails() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let mut played = 0;
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("a readable folder").path();
        if path.extension().is_some_and(|extension| extension == "trace") {
            let text = fs::read_to_string(&path).expect("a readable file");
            let trace: Trace = text
                .parse()
                .unwrap_or_else(|wrong| panic!("{}: {wrong:?}", path.display()));
            if let Err(why) = trace.play() {
                panic!(
                    "{}: {why}\nagain: cargo run -p sotto-simulations -- replay {}",
                    path.display(),
                    path.display()
                );
            }
            played += 1;
        }
    }
    assert!(played > 0, "there are regressions");
}
