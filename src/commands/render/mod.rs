mod follow;
mod shell;

use std::ffi::OsString;
use std::io::{ErrorKind, Read};
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches};

use super::{Context, Spec};
use crate::clock::Timestamp;
use crate::exchange::input;
use crate::exit::{Exit, Failure};
use crate::model::Keys;
use crate::output::Out;
use crate::render::{self, MAX_TEMPLATE_BYTES, Target, TargetOptions, Template, Values, unified_diff};
use crate::store::Store;
use crate::text::{self, quote};
use crate::units;
use crate::watch::Control;
use follow::Follower;
use shell::Shell;

pub const SPEC: Spec = Spec {
    name: "render",
    aliases: &[],
    about: "Fill a template from a group",
    build: |command| {
        RenderArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder render app app.conf.hbs -o /etc/app.conf\n  \
             echo 'Hello {{name}}' | larder render greeting -\n  \
             larder render app app.conf.hbs -o /etc/app.conf --diff\n  \
             larder render web nginx.hbs -o /etc/nginx/nginx.conf \\\n      \
             --check 'nginx -t -c \"$LARDER_CANDIDATE\"' --exec 'nginx -s reload'",
        )
    },
    run,
};

/// Fill a Handlebars template with the values of a group and print the text, or
/// replace FILE with it. Each key is a name: {{name}}, {{[any name]}}, {{lookup
/// this "any name"}}, {{#each this}}{{@key}}={{this}}{{/each}}. Nothing is
/// escaped for HTML. Besides the usual helpers there are exists, default, json,
/// parse_json, split, shell, lower, upper and trim; larder(1) explains them.
///
/// A name that is not in the group is an error, status 8; the message lists all
/// missing names. FILE is replaced atomically, keeps its mode and owner, and is
/// unchanged if the text is the same or anything fails; if it is a symbolic
/// link, its target is replaced.
///
/// The commands of --check and --exec are run by sh, with FILE as
/// LARDER_TARGET. A command that takes longer than --exec-timeout is ended,
/// with its process group. When --exec fails, FILE has been replaced all the
/// same, and the status is the command's own, or 6 after a timeout. SIGINT,
/// SIGTERM and SIGHUP end a command, and the run, with status 128 plus the
/// signal's number.
///
/// With --watch larder keeps running, and renders again when the group has
/// changed and then been quiet for --debounce, or after at most four times
/// that. With a missing name, or a text that --check refuses, the last good
/// FILE stays, and the error is reported once on standard error; a refused text
/// is not checked again until it changes. A failing --exec is retried three
/// times, after 1, 2 and 4 seconds. SIGINT, SIGTERM and SIGHUP end the run with
/// status 0; a running command has 10 seconds to finish, then its process group
/// gets SIGTERM, and SIGKILL 5 seconds later.
#[derive(Args)]
struct RenderArgs {
    /// The group
    group: String,
    /// The template file; - is standard input
    template: PathBuf,
    /// Write to FILE; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Render missing names as empty strings
    #[arg(long)]
    lenient: bool,
    /// Replace FILE only if CMD succeeds on the new text, which is in the file
    /// $LARDER_CANDIDATE
    #[arg(long, value_name = "CMD", requires = "output")]
    check: Option<OsString>,
    /// Run CMD after FILE was replaced
    #[arg(long, value_name = "CMD", requires = "output")]
    exec: Option<OsString>,
    /// Time limit for each command of --check and --exec
    #[arg(long, value_name = "DUR", value_parser = units::duration, default_value = "30s")]
    exec_timeout: Duration,
    /// Set FILE's permissions, in octal
    #[arg(long, value_name = "M", value_parser = mode, requires = "output")]
    mode: Option<u32>,
    /// Write into FILE instead of replacing it, for a bind-mounted file;
    /// readers may see a half-written text
    #[arg(long, requires = "output")]
    in_place: bool,
    /// Keep running, and render again whenever the group changes
    #[arg(long, requires = "output", conflicts_with = "diff")]
    watch: bool,
    /// Render only once the group has not changed for this long
    #[arg(long, value_name = "DUR", value_parser = units::duration, default_value = "500ms", requires = "watch")]
    debounce: Duration,
    /// Print what would change in FILE, as diff -u does, and change and run nothing
    #[arg(long, requires = "output")]
    diff: bool,
}

impl RenderArgs {
    /// A flag that asks for something standard output cannot be or do.
    fn flag_about_a_file(&self) -> Option<&'static str> {
        let flags = [
            ("--check", self.check.is_some()),
            ("--exec", self.exec.is_some()),
            ("--mode", self.mode.is_some()),
            ("--in-place", self.in_place),
            ("--watch", self.watch),
            ("--diff", self.diff),
        ];
        flags.into_iter().find_map(|(flag, given)| given.then_some(flag))
    }
}

fn mode(text: &str) -> Result<u32, String> {
    let octal = !text.is_empty() && text.len() <= 5 && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
    octal
        .then(|| u32::from_str_radix(text, 8).ok())
        .flatten()
        .filter(|mode| *mode <= 0o7777)
        .ok_or_else(|| format!("{text:?} is not a mode in octal such as 644 or 0600"))
}

/// How long a command may go on after a run with `--watch` was asked to end.
const GRACE: Duration = Duration::from_secs(10);

/// Everything that stays the same from one rendering to the next.
struct Job<'a> {
    context: &'a Context,
    args: &'a RenderArgs,
    template: Template,
}

/// What applying a text to its target came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Applied {
    Same,
    Written,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let mut args = RenderArgs::from_arg_matches(matches)?;
    if args.output.as_deref() == Some(Path::new("-")) {
        if let Some(flag) = args.flag_about_a_file() {
            let why = format!("{flag} needs a file, but the text goes to standard output");
            return Err(Failure::usage(why).hint("a file of that name is ./-").into());
        }
        args.output = None;
    }
    if let Some(file) = &args.output {
        context.refuse_store(file)?;
    }
    context.refuse_store(&args.template)?;
    let template = read_template(&args.template)?;
    let template = Template::parse(&template).map_err(|e| explain(&args, e))?;
    let job = Job { context, args: &args, template };
    let target = args.output.as_deref().map(|path| job.target(path)).transpose()?;
    if let (true, Some(path)) = (args.watch, &args.output) {
        let control = Control::install(None, false)?;
        return Follower::new(&job, path, &control).run();
    }
    let text = job.fill(job.values(context.open()?.as_ref())?.0)?;
    let Some(target) = target else { return job.print(&text) };
    if args.diff {
        return job.print_diff(&target, &text);
    }
    let control = match (&args.check, &args.exec) {
        (None, None) => None,
        _ => Some(Control::install(None, false)?),
    };
    let applied = job.apply(&target, &text, control.as_ref())?;
    job.report(applied, text.len())?;
    if let (Applied::Written, Some(command), Some(control)) = (applied, &args.exec, &control) {
        return job.exec(&target, command, control);
    }
    Ok(Exit::Success)
}

impl Job<'_> {
    /// The group as it is now, and when its next entry expires.
    fn values(&self, store: Option<&Store>) -> anyhow::Result<(Values, Option<Timestamp>)> {
        let mut values = Values::default();
        let mut due: Option<Timestamp> = None;
        let mut refused = None;
        if let Some(store) = store {
            store.read(|tx| {
                (values, due) = (Values::default(), None);
                tx.entries(&self.args.group, &Keys { glob: None, after: None }, true, |entry| {
                    due = due.into_iter().chain(entry.expires_at).min();
                    let value = entry.value.unwrap_or_default();
                    if let Some(key) = entry.key.as_str() {
                        refused = values.insert(key.to_owned(), value).err();
                    } else {
                        values.insert_unnamed(text::safe_name(entry.key.as_bytes()).into_owned());
                    }
                    Ok(if refused.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
                })
            })?;
        }
        match refused {
            Some(error) => Err(explain(self.args, error).into()),
            None => Ok((values, due)),
        }
    }

    fn fill(&self, values: Values) -> anyhow::Result<String> {
        Ok(self.template.render(values, self.args.lenient).map_err(|e| explain(self.args, e))?)
    }

    fn print(&self, rendered: &str) -> anyhow::Result<Exit> {
        let settings = &self.context.settings;
        let mut out = Out::default();
        if settings.json {
            out.json(&serde_json::json!({ "text": rendered }))?;
        } else if settings.terminal {
            out.write(text::safe_lines(rendered).as_bytes())?;
            if !rendered.is_empty() && !rendered.ends_with('\n') {
                out.write(b"\n")?;
            }
        } else {
            out.write(rendered.as_bytes())?;
        }
        out.finish()?;
        Ok(Exit::Success)
    }

    fn target(&self, path: &Path) -> anyhow::Result<Target> {
        let options = TargetOptions { mode: self.args.mode, in_place: self.args.in_place };
        let target =
            Target::new(path, options, crate::store::admit).map_err(|e| Failure::io(&shown(path), e))?;
        let file = |path: &Path| std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
        let same = file(target.path()).is_some_and(|output| Some(output) == file(&self.args.template));
        if same && self.args.template != Path::new("-") {
            return Err(Failure::usage(format!("{} is the template itself", shown(path))).into());
        }
        Ok(target)
    }

    fn print_diff(&self, target: &Target, rendered: &str) -> anyhow::Result<Exit> {
        let path = self.args.output.as_deref().unwrap_or(target.path());
        let old = target.current().map_err(|e| Failure::io(&shown(path), e))?;
        let diff = unified_diff(&old, rendered, &path.to_string_lossy());
        let settings = &self.context.settings;
        let mut out = Out::default();
        if settings.json {
            out.json(&serde_json::json!({
                "output": path.to_string_lossy(),
                "changed": !diff.is_empty(),
                "diff": diff,
            }))?;
        } else {
            for line in diff.split_inclusive('\n') {
                let line = if settings.terminal { text::safe_lines(line) } else { line.to_owned() };
                let style = match (settings.color, line.as_bytes().first()) {
                    (true, Some(b'+')) => "32",
                    (true, Some(b'-')) => "31",
                    (true, Some(b'@')) => "36",
                    _ => "",
                };
                if style.is_empty() {
                    out.write(line.as_bytes())?;
                } else {
                    out.line(&format!("\u{1b}[{style}m{}\u{1b}[0m", line.trim_end_matches('\n')))?;
                }
            }
        }
        out.finish()?;
        Ok(Exit::Success)
    }

    /// Puts the text into the target, if the check agrees.
    fn apply(&self, target: &Target, text: &str, control: Option<&Control>) -> anyhow::Result<Applied> {
        let candidate =
            target.candidate(text, self.args.check.is_some()).map_err(|e| self.refused(target, e))?;
        let Some(candidate) = candidate else { return Ok(Applied::Same) };
        if let (Some(command), Some(control), Some(path)) = (&self.args.check, control, candidate.path()) {
            let ended = self.shell(target, command).candidate(path).run(control)?;
            if let Some(why) = ended.failure() {
                let shown = shown(target.path());
                return Err(Failure::new(
                    ended.signal_exit().unwrap_or(Exit::BadData),
                    format!("the check {why}; {shown} is unchanged"),
                )
                .into());
            }
        }
        candidate.commit().map_err(|e| self.refused(target, e))?;
        Ok(Applied::Written)
    }

    /// The operating system's refusal to replace the target, with the way out
    /// where the file cannot be replaced but perhaps be written to: it belongs
    /// to somebody else, or is bind-mounted.
    fn refused(&self, target: &Target, error: std::io::Error) -> anyhow::Error {
        let fixed = matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ResourceBusy);
        let error = Failure::io(&shown(target.path()), error);
        if !fixed || self.args.in_place || !target.path().exists() {
            return error;
        }
        Failure::new(Exit::Io, error.to_string()).hint("--in-place writes into the file that is there").into()
    }

    /// Runs the command that follows a replacement.
    fn exec(&self, target: &Target, command: &OsString, control: &Control) -> anyhow::Result<Exit> {
        let ended = self.shell(target, command).run(control)?;
        match ended.failure() {
            None => Ok(Exit::Success),
            Some(why) => {
                let exit = if ended.timed_out { Exit::Busy } else { Exit::Child(ended.code.max(1)) };
                let exit = ended.signal_exit().unwrap_or(exit);
                let shown = shown(target.path());
                Err(Failure::new(exit, format!("{shown} is replaced, but the command after it {why}")).into())
            }
        }
    }

    fn shell<'a>(&self, target: &Target, command: &'a OsString) -> Shell<'a> {
        let settings = &self.context.settings;
        let grace = if self.args.watch { GRACE } else { Duration::ZERO };
        let mut shell = Shell::new(command, self.args.exec_timeout, grace, settings.json);
        shell.variable("LARDER_TARGET", target.path());
        shell.variable("LARDER_DB", std::path::absolute(&settings.path).as_ref().unwrap_or(&settings.path));
        if let Some(namespace) = &settings.scope.0 {
            shell.variable("LARDER_NAMESPACE", namespace.as_str());
        }
        shell
    }

    fn report(&self, applied: Applied, bytes: usize) -> anyhow::Result<()> {
        if !self.context.settings.json {
            return Ok(());
        }
        let path = self.args.output.as_deref().unwrap_or(Path::new("-"));
        let mut out = Out::default();
        out.json(&serde_json::json!({
            "output": path.to_string_lossy(),
            "changed": applied == Applied::Written,
            "bytes": bytes,
        }))?;
        out.finish()
    }
}

fn shown(path: &Path) -> String {
    quote(&path.to_string_lossy())
}

fn template_name(path: &Path) -> String {
    if path == Path::new("-") { "the template".to_owned() } else { shown(path) }
}

fn read_template(path: &Path) -> anyhow::Result<String> {
    let name = template_name(path);
    let mut bytes = Vec::new();
    let read =
        input::open(path).and_then(|file| file.take(MAX_TEMPLATE_BYTES as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|e| Failure::io(&name, e))?;
    if bytes.len() > MAX_TEMPLATE_BYTES {
        let why =
            format!("{name} is larger than {} KiB, the maximum for a template", MAX_TEMPLATE_BYTES >> 10);
        return Err(Failure::new(Exit::BadData, why).into());
    }
    String::from_utf8(bytes)
        .map_err(|_| Failure::new(Exit::BadData, format!("{name} is not UTF-8 text")).into())
}

/// What the renderer says, in the words of the command line.
fn explain(args: &RenderArgs, error: render::Error) -> Failure {
    let name = template_name(&args.template);
    if let render::Error::NoThread(why) = error {
        return Failure::new(Exit::Io, Failure::io("no thread to render in", why).to_string());
    }
    let failure = Failure::new(Exit::BadData, format!("{name}: {error}"));
    match error {
        render::Error::Missing { hint, .. } => Failure {
            message: format!("{} in group {}", failure.message, quote(&args.group)),
            ..failure.hint(hint.unwrap_or_else(|| {
                "--lenient renders them empty; in the template, (exists \"name\") tests and {{default name \"x\"}} sets a default".into()
            }))
        },
        render::Error::Syntax { hint, .. } => Failure { hint, ..failure },
        _ => failure,
    }
}
