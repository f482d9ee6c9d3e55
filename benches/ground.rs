//! Where is measured: a tree such as an image has, on a tmpfs and on an ext4.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::race::{run, sh};

/// Directories and the binary.
pub(crate) struct Ground {
    pub(crate) castoff: PathBuf,
    /// On a tmpfs.
    pub(crate) memory: PathBuf,
    /// On an ext4 in a file; `None`: none can be mounted here.
    pub(crate) disk: Option<PathBuf>,
    /// A WordPress on the file system of the project, and a copy of it on the tmpfs.
    pub(crate) tree: PathBuf,
    pub(crate) tree_in_memory: PathBuf,
}

impl Ground {
    pub(crate) fn new(castoff: PathBuf) -> Self {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
        fs::create_dir_all(&target).unwrap();
        let tree = tree(&target);
        let memory = PathBuf::from(format!("/dev/shm/castoff-bench-{}", std::process::id()));
        fs::create_dir_all(&memory).unwrap();
        let tree_in_memory = memory.join("tree");
        run(Command::new("cp").arg("-a").arg(&tree).arg(&tree_in_memory));
        Self { castoff, disk: disk(&target), memory, tree, tree_in_memory }
    }

    /// castoff with a spec of these lines, `name` telling specs apart, running /bin/true.
    pub(crate) fn start(&self, name: &str, spec: &str) -> Command {
        let file = self.memory.join(format!("{name}.toml"));
        fs::write(&file, format!("version = 1\n{spec}")).unwrap();
        let mut command = Command::new(&self.castoff);
        command.env("CASTOFF_STATE", self.memory.join("state"));
        command.arg("--config").arg(file).args(["--log-level", "error", "--", "/bin/true"]);
        command
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.memory);
        if let Some(disk) = &self.disk {
            let _ = Command::new("umount").arg(disk).status();
        }
    }
}

/// Debian's WordPress with its languages and themes, links made whole as in an image.
fn tree(target: &Path) -> PathBuf {
    let tree = target.join("wordpress");
    if !tree.exists() {
        let directory = target.display();
        sh(&format!(
            "cd {directory}; rm -rf unpacked *.deb
            apt-get download -qq -o APT::Sandbox::User=root wordpress wordpress-l10n wordpress-theme-twentytwentythree
            for package in *.deb; do dpkg -x \"$package\" unpacked; done
            mkdir making; cp -a unpacked/usr/share/wordpress/. making; cp -a unpacked/var/lib/wordpress/. making || true
            find making -xtype l -delete; rm -rf unpacked *.deb; mv making wordpress"
        ));
    }
    tree
}

fn disk(target: &Path) -> Option<PathBuf> {
    let (image, mounted) = (target.join("ext4.img"), target.join("ext4"));
    fs::create_dir_all(&mounted).unwrap();
    let _ = Command::new("umount").arg(&mounted).output();
    fs::File::create(&image).unwrap().set_len(4 << 30).unwrap();
    let made = Command::new("mkfs.ext4").arg("-qF").arg(&image).status();
    let mount = Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&mounted).status();
    let works = made.is_ok_and(|made| made.success()) && mount.is_ok_and(|mount| mount.success());
    if !works {
        println!("skipped: no ext4 can be mounted here");
    }
    works.then_some(mounted)
}
