//! What a container may use is what its cgroup says, found by castoff in a real one.

use crate::harness::{Cgroup, Directory, Exit, Launch, each_place_to_mount_in};

#[test]
fn the_memory_of_a_container_is_its_cgroup_s_limit() {
    let Some(cgroup) = Cgroup::new("limit") else { return };
    let directory = Directory::new("limit");
    directory.file("limit.j2", 0o644, b"{{ container.memory }}\n");
    let dest = directory.0.join("limit").display().to_string();
    let spec =
        directory.spec(&format!("[[template]]\nsource = 'limit.j2'\ndest = '{dest}'\nformat = 'plain'\n"));
    each_place_to_mount_in(|place| {
        let arguments = ["--config", &spec, "--", "cat", &dest];
        let (exit, out, err) = cgroup.holds(Launch::castoff(arguments)).place(place).start().end();
        assert_eq!((exit, out.as_str()), (Exit::Code(0), "50331648\n"), "{place:?}: {err}");
    });
}
