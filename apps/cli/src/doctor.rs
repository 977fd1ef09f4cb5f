//! `sotto doctor`: checks the profile, the daemon and the network, and says what is wrong and what to do. It needs no
//! daemon and changes nothing.

use sotto_api::{self as api, DoctorReport, Error, Finding, Kind, Verdict, all};
use sotto_client::blocking::Client;
use sotto_client::{Lock, Profile};

use super::context::Context;
use super::output::{Table, Tone};
use super::stop::Outcome;
use super::stop::Stop;

/// Checks the profile that the options name.
pub fn run(context: &Context) -> Outcome {
    let profile = context.profile()?;
    let report = match ask(context, &profile) {
        Ok(report) => report,
        Err(error) => without_daemon(context, &profile, &error),
    };
    let report = of_program(context, &profile, report);
    context.output.emit(&report, text)?;
    // The other findings often follow from the first.
    match report.cause() {
        Some(finding) => Err(Stop::Exit(finding.kind.unwrap_or(Kind::Internal).exit_code())),
        None => Ok(()),
    }
}

/// What the daemon finds.
fn ask(context: &Context, profile: &Profile) -> Result<DoctorReport, Error> {
    let mut client = Client::connect(&profile.socket())?;
    context.identify(&mut client)?;
    client.call::<all::DoctorRun>(&api::Nothing {})
}

/// What this process finds by itself.
fn without_daemon(context: &Context, profile: &Profile, error: &Error) -> DoctorReport {
    let mut findings = context.program.examine_files(profile);
    if profile.exists() {
        findings.push(match Lock::holder(&profile.lock_file()) {
            Ok(Some(holder)) if error.kind() == Kind::NoDaemon => {
                let said = format!("process {holder} holds the profile, but does not answer");
                let hint = "it may still be starting; if this stays, end it with sotto daemon stop";
                Finding::bad("daemon", said, hint, Kind::InUse)
            }
            _ => Finding::error("daemon", error),
        });
    }
    DoctorReport::new(findings, None)
}

/// What concerns this program: the configuration of its surfaces, which the daemon does not read, and whether the daemon is of the
/// same version.
fn of_program(context: &Context, profile: &Profile, report: DoctorReport) -> DoctorReport {
    let DoctorReport {
        mut findings, version, ..
    } = report;
    let config = findings.iter_mut().find(|finding| finding.subject == "configuration");
    if let Some(config) = config.filter(|finding| finding.verdict == Verdict::Good)
        && let Err(error) = context.program.check_config(&profile.config_file())
    {
        *config = Finding::error("configuration", &error);
    }
    let ours = env!("CARGO_PKG_VERSION");
    let daemon = findings.iter_mut().find(|finding| finding.subject == "daemon");
    if let Some(daemon) = daemon
        && version.as_ref().is_some_and(|version| version != ours)
    {
        let hint = format!("this is version {ours}: restart the daemon");
        *daemon = Finding::careful("daemon", &daemon.said, hint, Kind::Internal);
    }
    DoctorReport::new(findings, version)
}

fn text(report: &DoctorReport) -> String {
    let mut table = Table::bare();
    for finding in &report.findings {
        let (tone, mark) = match finding.verdict {
            Verdict::Good => (Tone::Good, "ok"),
            Verdict::Careful => (Tone::Warning, "look"),
            Verdict::Bad => (Tone::Bad, "wrong"),
        };
        table.row([
            (tone, mark).into(),
            finding.subject.as_str().into(),
            finding.said.as_str().into(),
        ]);
        if !finding.hint.is_empty() {
            table.row(["".into(), "".into(), (Tone::Faint, finding.hint.as_str()).into()]);
        }
    }
    table.render()
}
