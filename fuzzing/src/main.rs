//! `sotto-fuzz`: the targets without a fuzzer. `list` prints their names, `seeds FOLDER` writes the inputs from which fuzzing starts,
//! `play TARGET FILE...` runs inputs.

use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use sotto_fuzz::{TARGETS, Target};

const USAGE: &str = "usage: sotto-fuzz list | seeds FOLDER | play TARGET FILE...";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["list"] => {
            for target in TARGETS {
                println!("{}", target.name);
            }
            Ok(())
        }
        ["seeds", folder] => write_seeds(Path::new(folder)),
        ["play", name, files @ ..] => match Target::named(name) {
            Some(target) => play(target, files),
            None => Err(io::Error::other(format!("no target is called {name}"))),
        },
        _ => Err(io::Error::other(USAGE)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn write_seeds(folder: &Path) -> io::Result<()> {
    for target in TARGETS {
        let folder = folder.join(target.name);
        fs::create_dir_all(&folder)?;
        for (number, seed) in (target.seeds)().into_iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}

fn play(target: &Target, files: &[&str]) -> io::Result<()> {
    for file in files {
        (target.run)(&fs::read(file)?);
        println!("{file}: nothing found");
    }
    Ok(())
}
