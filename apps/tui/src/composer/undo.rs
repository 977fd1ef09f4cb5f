//! [`Journal`]: the changes of a text that can be undone. What is typed in one go is one change.

/// A change of a text, with the cursor before it.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    pub at: usize,
    pub removed: String,
    pub inserted: String,
    pub cursor: usize,
}

impl Edit {
    fn bytes(&self) -> usize {
        self.removed.len() + self.inserted.len() + size_of::<Self>()
    }
}

/// The most bytes of changes that are kept. The oldest go first; the last one always stays.
const LIMIT: usize = 256 * 1024;

#[derive(Debug, Default)]
pub(super) struct Journal {
    done: Vec<Edit>,
    undone: Vec<Edit>,
    bytes: usize,
    /// Whether what is typed next is part of the last change.
    open: bool,
}

impl Journal {
    pub(super) fn push(&mut self, edit: Edit) {
        self.undone.clear();
        if self.open && self.extends(&edit) {
            let last = self.done.last_mut().expect("a change that is extended");
            last.inserted.push_str(&edit.inserted);
            self.bytes += edit.inserted.len();
            return;
        }
        self.open = typed(&edit);
        self.bytes += edit.bytes();
        self.done.push(edit);
        let mut oldest = 0;
        while self.bytes > LIMIT && oldest + 1 < self.done.len() {
            self.bytes -= self.done[oldest].bytes();
            oldest += 1;
        }
        self.done.drain(..oldest);
    }

    /// A word that is typed is one change; a space begins the next one.
    fn extends(&self, edit: &Edit) -> bool {
        let Some(last) = self.done.last() else { return false };
        typed(edit)
            && last.at + last.inserted.len() == edit.at
            && (edit.inserted != " " || last.inserted.ends_with(' '))
    }

    /// What is typed next is a change of its own.
    pub(super) fn close(&mut self) {
        self.open = false;
    }

    pub(super) fn undo(&mut self) -> Option<Edit> {
        self.open = false;
        let edit = self.done.pop()?;
        self.bytes -= edit.bytes();
        self.undone.push(edit.clone());
        Some(edit)
    }

    pub(super) fn redo(&mut self) -> Option<Edit> {
        let edit = self.undone.pop()?;
        self.bytes += edit.bytes();
        self.done.push(edit.clone());
        Some(edit)
    }
}

fn typed(edit: &Edit) -> bool {
    edit.removed.is_empty() && edit.inserted.chars().count() == 1 && edit.inserted != "\n"
}
