//! [`Page`]: as many items of a list as one result may cost, and the cursor of those that follow.

use serde::Serialize;
use sotto_api::Error;

use crate::{compact_json, size};

/// A part of a list.
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    /// Where to go on.
    pub next_cursor: Option<String>,
}

/// The part of a whole list after a cursor, which counts items.
pub(crate) fn from_offset<T: Serialize>(mut all: Vec<T>, cursor: Option<&str>) -> Result<Page<T>, Error> {
    let offset = offset(cursor)?;
    all.drain(..offset.min(all.len()));
    let more = all.len();
    let fits = fitting(&all)?;
    all.truncate(fits);
    Ok(Page {
        next_cursor: (fits < more).then(|| (offset + fits).to_string()),
        items: all,
    })
}

/// A cursor that counts items.
pub(crate) fn offset(cursor: Option<&str>) -> Result<usize, Error> {
    cursor.map_or(Ok(0), |cursor| {
        cursor
            .parse()
            .map_err(|_| Error::invalid("cursor must be the next_cursor of an earlier result"))
    })
}

/// How many of the items, from the first on, fit into one result.
pub(crate) fn fitting<T: Serialize>(items: &[T]) -> Result<usize, Error> {
    if items.is_empty() {
        return Ok(0);
    }
    let texts = items
        .iter()
        .map(compact_json::text)
        .collect::<Result<Vec<_>, Error>>()?;
    Ok(size::fitting(texts.iter().map(String::as_str)))
}
