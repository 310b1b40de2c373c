//! `xlat run --report FILE`: what translation did, as JSON or as a page that needs nothing else.

use std::io;
use std::path::Path;
use translator::monitor::Report;

/// The page; its first line with `REPORT` is replaced by the data.
const PAGE: &str = include_str!("report.html");

/// Writes a report: as JSON if the file's name ends in `.json`, else as HTML.
///
/// # Errors
/// The file cannot be written. An old file is kept then.
pub fn write(
    path: &Path,
    program: &Path,
    report: &Report,
    counters: &[(&'static str, u64)],
) -> io::Result<()> {
    let counters: serde_json::Map<String, serde_json::Value> =
        counters.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect();
    let mut data = serde_json::to_value(report)?;
    data["program"] = program.to_string_lossy().into();
    data["counters"] = counters.into();
    let text = match path.extension().is_some_and(|extension| extension == "json") {
        true => serde_json::to_string_pretty(&data)?,
        false => page(&data),
    };
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    // Written beside it and moved into place, so that nothing is lost where the disk is full.
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path)).map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        named(error)
    })
}

/// The page with the data in it. Names of functions are the program's: nothing in them may end the script.
fn page(data: &serde_json::Value) -> String {
    PAGE.replacen("REPORT", &data.to_string().replace('<', "\\u003c"), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_string() {
        let page = page(&serde_json::json!({ "symbol": "</script><script>alert(1)" }));
        assert!(page.contains("\\u003c/script>\\u003cscript>alert(1)"));
        assert_eq!(page.matches("<script").count(), PAGE.matches("<script").count());
    }
}
