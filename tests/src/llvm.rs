//! llvm-mc as a judge of decoders: which bytes are instructions, and which ones.

use std::io::Write;
use std::process::{Command, Stdio};

/// The oldest llvm-mc that knows all extensions of our guests.
const LLVM_MC: &str = "llvm-mc-16";

/// What llvm-mc prints for one instruction of each of `instructions`; None where it says that there is none.
///
/// One process judges all of them. Panics, with what to do, if llvm-mc is not installed.
pub fn disassemble<'a>(
    triple: &str,
    features: &str,
    instructions: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<Option<String>> {
    disassemble_with(triple, features, &[], instructions)
}

/// [`disassemble`] with more options on the command line.
pub fn disassemble_with<'a>(
    triple: &str,
    features: &str,
    options: &[&str],
    instructions: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<Option<String>> {
    let mut input = String::new();
    let mut count = 0;
    for bytes in instructions {
        let line: Vec<String> = bytes.iter().map(|byte| format!("{byte:#04x}")).collect();
        input += &line.join(",");
        input += "\n";
        count += 1;
    }
    let mut child = Command::new(LLVM_MC)
        .args(["--disassemble", &format!("-triple={triple}"), &format!("-mattr={features}")])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{LLVM_MC}: {error}; run scripts/setup"));
    let mut stdin = child.stdin.take().expect("piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input.as_bytes()).expect("llvm-mc reads all of its input"));
        child.wait_with_output().expect("llvm-mc ends")
    });
    assert!(output.status.success(), "{LLVM_MC}: {}", String::from_utf8_lossy(&output.stderr));

    let mut valid = vec![true; count];
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        // "<stdin>:LINE:COLUMN: warning: invalid instruction encoding"; what is merely unpredictable gets another warning.
        if let Some((place, _)) = line.split_once(": warning: invalid instruction encoding") {
            let line = place.split(':').nth(1).and_then(|line| line.parse::<usize>().ok());
            valid[line.expect("a line number") - 1] = false;
        }
    }
    let stdout = String::from_utf8_lossy(&output.stdout);
    let mut texts = stdout.lines().map(str::trim).filter(|line| !line.is_empty() && *line != ".text");
    let judged = valid.iter().map(|&valid| valid.then(|| texts.next().expect("a text").to_owned())).collect();
    assert_eq!(texts.next(), None, "one text for each instruction");
    judged
}

/// The machine code of `text`, assembled.
///
/// # Panics
/// With llvm-mc's words if it does not take the text, and with what to do if it is not installed.
pub fn assemble(triple: &str, features: &str, text: &str) -> Vec<u8> {
    use object::{Object, ObjectSection};
    let mut child = Command::new(LLVM_MC)
        .args(["-filetype=obj", &format!("-triple={triple}"), &format!("-mattr={features}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{LLVM_MC}: {error}; run scripts/setup"));
    let mut stdin = child.stdin.take().expect("piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(text.as_bytes()).expect("llvm-mc reads all of its input"));
        child.wait_with_output().expect("llvm-mc ends")
    });
    assert!(output.status.success(), "{LLVM_MC}: {}\n{text}", String::from_utf8_lossy(&output.stderr));
    let file = object::File::parse(&*output.stdout).expect("an object file");
    let section = file.section_by_name(".text").expect("code");
    assert!(section.relocations().next().is_none(), "the text refers to what is not in it:\n{text}");
    section.data().expect("in the file").to_vec()
}
