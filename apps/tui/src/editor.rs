//! The user's editor for a long text. The text is in a file of the user alone for as long as the editor runs, in memory where
//! the system has a folder for that.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

/// What is below this line in the file is not a part of the text.
const CUT: &str = "# ------------------------ >8 ------------------------";

/// Has `text` written in the editor; none if it was left as it was. Blocks until the editor ends.
pub fn write(editor: Option<&str>, text: &str, context: &str) -> Result<Option<String>, String> {
    let failed = |error: std::io::Error| format!("the editor cannot be used: {error}");
    let mut builder = tempfile::Builder::new();
    builder.prefix("sotto-").suffix(".md");
    let folder = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|folder| folder.is_dir());
    let mut file = match folder {
        Some(folder) => builder.tempfile_in(folder),
        None => builder.tempfile(),
    }
    .map_err(failed)?;
    let mut whole = text.to_owned();
    if !context.is_empty() {
        let _ = write!(whole, "\n\n{CUT}\n# You reply to:\n");
        for line in context.lines() {
            let _ = writeln!(whole, "# {line}");
        }
    }
    file.write_all(whole.as_bytes())
        .and_then(|()| file.flush())
        .map_err(failed)?;
    let program = editor.map_or_else(chosen, str::to_owned);
    // As `$EDITOR` is used everywhere: by a shell, because it can have arguments. Ctrl-C is a key of the editor, and must not end a
    // shell that waits for it: what was written would be lost.
    let status = Command::new("sh")
        .arg("-c")
        .arg(format!("trap : INT\n{program} \"$1\""))
        .arg("sh")
        .arg(file.path())
        .status()
        .map_err(|error| format!("{program}: {error}"))?;
    if !status.success() {
        return Err(format!("{program} has failed ({status}); the text is as it was"));
    }
    // An editor may have put another file in its place.
    let written = std::fs::read(file.path()).map_err(failed)?;
    let written = String::from_utf8(written).map_err(|_| String::from("the text from the editor is not UTF-8"))?;
    blank(file);
    let written = written.split(CUT).next().unwrap_or_default().trim_end().to_owned();
    Ok(Some(written).filter(|written| written != text))
}

/// Overwrites the text before its file goes, should the folder be on a disk.
fn blank(mut file: tempfile::NamedTempFile) {
    use std::io::{Seek as _, SeekFrom};
    let Ok(length) = std::fs::metadata(file.path()).map(|found| found.len()) else {
        return;
    };
    let zeros = vec![0; usize::try_from(length.min(1 << 20)).unwrap_or(0)];
    // What cannot be overwritten is removed all the same.
    let _ = file.seek(SeekFrom::Start(0));
    let _ = file.write_all(&zeros);
    let _ = file.flush();
}

fn chosen() -> String {
    let named = ["VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    named.unwrap_or_else(|| String::from("vi"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_editor_leaves_is_the_text_without_the_context() {
        let by = |editor| write(Some(editor), "first", "Ada: what?");
        assert_eq!(by("sed -i s/first/second/").expect("edited").as_deref(), Some("second"));
        assert_eq!(by("true").expect("left as it was"), None);
        assert!(by("false").expect_err("failed").contains("as it was"));
        let wrong = by("printf '\\377' >").expect_err("not UTF-8");
        assert!(wrong.contains("UTF-8"), "{wrong}");
    }
}
