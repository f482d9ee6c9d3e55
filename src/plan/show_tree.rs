//! Several services as people read them: in the order in which they can start, cron entries
//! with their next runs, and how long the stop can take.

use std::fmt::Write as _;
use std::time::Duration;

use super::cron::CronPlan;
use super::run::quoted;
use super::show_attributes::{show_attributes, show_environment};
use super::tree::{ServicePlan, Sign, TreePlan};
use crate::duration;
use crate::schedule::{Missed, Overlap};
use crate::service::Scope;
use crate::service::log::Form;
use crate::service::tree::{GiveUp, Id, Readiness, Restart};
use crate::spec::Service;
use crate::timestamp;

/// All services, all cron entries, and the time that `docker stop` may need.
pub(super) fn show_tree(tree: &TreePlan, services: &[Service], now: Duration) -> String {
    let mut text = String::new();
    for service in &tree.services {
        show_service(&mut text, service, tree);
        show_attributes(&mut text, &service.program.attributes);
        if let Some(spec) = services.iter().find(|spec| spec.name.value == service.name) {
            show_environment(&mut text, &spec.environment);
        }
    }
    for cron in &tree.crons {
        show_cron(&mut text, cron, now);
    }
    if !tree.watch.is_empty() {
        let files = if tree.watch.len() == 1 { "file" } else { "files" };
        let _ =
            writeln!(text, "watch   {} {files}: when one changes, all is rendered again", tree.watch.len());
    }
    match longest_stop(tree) {
        Ok(longest) => {
            let grace = duration::format(tree.grace);
            let whole = duration::format(longest.saturating_add(tree.grace));
            let _ = writeln!(text, "stop    within {whole}, of which {grace} for what is left at the end");
        }
        Err(name) => {
            let _ = writeln!(text, "stop    takes the time that {name} takes: it has no stop-timeout");
        }
    }
    text
}

fn show_service(text: &mut String, service: &ServicePlan, tree: &TreePlan) {
    let words: Vec<String> =
        service.program.argv.iter().map(|word| quoted(&word.to_string_lossy())).collect();
    let _ = write!(text, "run     {}: {}", service.name, words.join(" "));
    if let Some(credentials) = &service.program.credentials {
        let _ = write!(text, ", as {}:{}", credentials.uid, credentials.gid);
    }
    let rules = &service.rules;
    for (what, ids) in [("after", &rules.after), ("requires", &rules.requires)] {
        let names: Vec<&str> = ids.iter().filter_map(|id| name_of(tree, *id)).collect();
        if !names.is_empty() {
            let _ = write!(text, ", {what} {}", names.join(" and "));
        }
    }
    match (&service.sign, rules.readiness) {
        (_, Readiness::AtOnce) => {}
        (_, Readiness::After(delay)) => {
            let _ = write!(text, ", ready after {}", duration::format(delay));
        }
        (sign, Readiness::Told(limit)) => {
            let sign = match sign {
                Some(Sign::Seen(look)) => format!("{} is there", look.shown),
                Some(Sign::Descriptor(number)) => format!("it writes to descriptor {number}"),
                Some(Sign::Notify) | None => "it says so".to_owned(),
            };
            let _ = write!(text, ", ready when {sign}");
            if let Some(limit) = limit {
                let _ = write!(text, " within {}", duration::format(limit));
            }
        }
    }
    if let (Some(check), Some(rule)) = (&service.check, rules.check) {
        let interval = duration::format(rule.interval);
        let _ = write!(text, ", healthy while {} is there, looked at every {interval}", check.look.shown);
    }
    show_end(text, service);
    show_log(text, service);
    text.push('\n');
}

fn show_cron(text: &mut String, cron: &CronPlan, now: Duration) {
    let words: Vec<String> = cron.program.argv.iter().map(|word| quoted(&word.to_string_lossy())).collect();
    let _ = write!(text, "cron    {}: {}", cron.name, words.join(" "));
    if let Some(credentials) = &cron.program.credentials {
        let _ = write!(text, ", as {}:{}", credentials.uid, credentials.gid);
    }
    let _ = write!(text, ", due {}", cron.expression);
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    match cron.next(now) {
        Some((next, offset)) => {
            let _ = write!(text, ", next {}", timestamp::rfc3339_at(next, offset));
        }
        None => text.push_str(", never"),
    }
    if !cron.jitter.is_zero() {
        let _ = write!(text, " and up to {} later", duration::format(cron.jitter));
    }
    if cron.overlap == Overlap::Allow {
        text.push_str(", more than one run at a time");
    }
    if cron.missed == Missed::RunOnce {
        text.push_str(", made up for once when missed");
    }
    if let Some(limit) = cron.timeout {
        let _ = write!(text, ", told to end after {}", duration::format(limit));
    }
    show_form(text, cron.log);
    text.push('\n');
}

fn show_form(text: &mut String, log: Form) {
    match log {
        Form::Pass => {}
        Form::Prefix => text.push_str(", its lines with its name"),
        Form::Json => text.push_str(", its lines as JSON"),
    }
}

fn show_log(text: &mut String, service: &ServicePlan) {
    show_form(text, service.log);
    for path in &service.follow {
        let _ = write!(text, ", follows {}", quoted(&path.to_string_lossy()));
    }
}

fn show_end(text: &mut String, service: &ServicePlan) {
    let rules = &service.rules;
    let restart = match rules.restart {
        Restart::No => None,
        Restart::OnFailure => Some("restarted when it fails"),
        Restart::Always => Some("restarted"),
    };
    if let Some(restart) = restart {
        let _ = write!(text, ", {restart}");
        if let Some(limit) = rules.backoff.limit {
            let _ = write!(text, ", {} times per {}", limit.count, duration::format(limit.window));
        }
        if rules.gives_up == GiveUp::Ignore {
            text.push_str(", then left down");
        }
    }
    if !rules.essential {
        text.push_str(", not essential");
    }
    let _ = write!(text, ", stopped by {}", rules.stop.signal);
    if rules.stop.scope == Scope::Group {
        text.push_str(" to its group");
    }
    if let Some(limit) = rules.stop.timeout {
        let _ = write!(text, ", killed after {}", duration::format(limit));
    }
    if let Some(limit) = rules.watchdog {
        let _ = write!(text, ", aborted after {} without a sign of life", duration::format(limit));
    }
}

fn name_of(tree: &TreePlan, id: Id) -> Option<&str> {
    tree.services.get(id.0).map(|service| service.name.as_str())
}

/// The longest chain of services that stop one after the other; the name of one that has no
/// limit, if there is one.
fn longest_stop(tree: &TreePlan) -> Result<Duration, &str> {
    let endless = tree.services.iter().find(|service| service.rules.stop.timeout.is_none());
    if let Some(service) = endless {
        return Err(&service.name);
    }
    // each pass finds chains that are one longer; they have no circles
    let mut longest = vec![Duration::ZERO; tree.services.len()];
    for _ in &tree.services {
        for (at, service) in tree.services.iter().enumerate() {
            let before = service.rules.after.iter().chain(&service.rules.requires);
            let before = before.filter_map(|id| longest.get(id.0)).max().copied().unwrap_or_default();
            if let Some(slot) = longest.get_mut(at) {
                *slot = before.saturating_add(service.rules.stop.timeout.unwrap_or_default());
            }
        }
    }
    Ok(longest.into_iter().max().unwrap_or_default())
}
