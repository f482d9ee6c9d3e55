//! What castoff was handed for its service: sockets, from descriptor 3 on, with variables
//! that say how many and for which process (sd_listen_fds(3)).

use libc::pid_t;

use crate::service::Environment;

/// Names the process that the sockets are for. Libraries take none where it is another.
pub(super) const LISTEN_PID: &str = "LISTEN_PID";

/// Names that process once more, by the inode of its pidfd. Libraries ask for it only where
/// it is set, and no service has castoff's.
const LISTEN_PIDFDID: &str = "LISTEN_PIDFDID";

/// How many sockets castoff was handed for its service; `None` if they are not for castoff,
/// whose id `own` gives, and so not for its service either. What a service can't take as its own is
/// removed from `environment` then.
pub(super) fn sockets(environment: &mut Environment, own: impl FnOnce() -> pid_t) -> Option<u32> {
    number::<pid_t>(environment, LISTEN_PID).filter(|meant| *meant == own())?;
    environment.change(|listed| listed.retain(|(name, _)| name != LISTEN_PIDFDID));
    Some(number(environment, "LISTEN_FDS").unwrap_or(0))
}

fn number<T: std::str::FromStr>(environment: &Environment, wanted: &str) -> Option<T> {
    environment.variables().get(wanted)?.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::sockets;
    use crate::service::Environment;

    #[test]
    fn only_what_is_handed_to_castoff_is_its_service_s() {
        for (entries, count, left) in [
            (&["LISTEN_PID=7", "LISTEN_FDS=2"][..], Some(2), 2),
            (&["LISTEN_FDS=2", "LISTEN_FDNAMES=a:b", "LISTEN_PIDFDID=99", "LISTEN_PID=7"], Some(2), 3),
            (&["LISTEN_PID=7"], Some(0), 1),
            (&["LISTEN_PID=7", "LISTEN_FDS=-1"], Some(0), 2),
            (&["LISTEN_PID=8", "LISTEN_FDS=2", "LISTEN_PIDFDID=99"], None, 3),
            (&["LISTEN_PID=7x", "LISTEN_FDS=2"], None, 2),
            (&["LISTEN_FDS=2"], None, 1),
            (&[], None, 0),
        ] {
            let listed = entries.iter().filter_map(|entry| entry.split_once('='));
            let listed = listed.map(|(name, value)| (name.into(), value.into())).collect();
            let mut environment = Environment::Listed(listed);
            assert_eq!(sockets(&mut environment, || 7), count, "{entries:?}");
            assert_eq!(environment.listed().len(), left, "{entries:?}");
        }
    }
}
