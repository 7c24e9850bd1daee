//! The larder program: hands the process's arguments to the library and its
//! status to the operating system.
//!
//! It is entered as a C program is. Rust's own start-up reads the memory map of
//! the process from /proc and allocates a signal stack, to word the message of
//! a stack overflow: a fiftieth of what a `get` costs. What else that start-up
//! and its counterpart at the end do is done here too.
// Nothing but an exported symbol can be the entry, and arguments come to it as
// pointers.
#![allow(unsafe_code)]
#![no_main]

use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;

#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, words: *const *const c_char) -> c_int {
    larder::startup::begin();
    let args = (0..usize::try_from(count).unwrap_or(0)).map(|n| {
        // SAFETY: the C runtime passes `count` pointers to strings that end in
        // NUL and live as long as the process.
        let arg = unsafe { CStr::from_ptr(*words.add(n)) };
        OsString::from(OsStr::from_bytes(arg.to_bytes()))
    });
    let exit = larder::run(args);
    // Whoever needed to know whether it can be written has flushed it already.
    let _ = io::stdout().flush();
    exit.code().into()
}
