//! Generators: what is made out of the parser, for people and for shells.
//!
//! The parser is handed to them, so that commands can offer what they make:
//! the parser itself is made of the commands.

pub mod complete;
pub mod manual;
pub mod scripts;
