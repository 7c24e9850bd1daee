//! The larder program: hands the process's arguments to the library and its
//! status to the operating system.

use std::process::ExitCode;

fn main() -> ExitCode {
    larder::signals::survive_file_size_limit();
    ExitCode::from(larder::run(std::env::args_os()).code())
}
