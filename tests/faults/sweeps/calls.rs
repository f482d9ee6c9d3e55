//! Names of system calls, and which of them have to do with files.

use libc::c_long;

macro_rules! calls {
    ($($name:ident $number:ident,)*) => {
        const FILE_CALLS: &[(c_long, &str)] = &[$((libc::$number, stringify!($name)),)*];
    };
}

calls! {
    access SYS_access, chdir SYS_chdir, close SYS_close, copy_file_range SYS_copy_file_range,
    dup SYS_dup, faccessat SYS_faccessat, faccessat2 SYS_faccessat2, fallocate SYS_fallocate,
    fchdir SYS_fchdir, fchmod SYS_fchmod, fchmodat SYS_fchmodat, fchown SYS_fchown,
    fchownat SYS_fchownat, fcntl SYS_fcntl, fdatasync SYS_fdatasync, fgetxattr SYS_fgetxattr,
    flistxattr SYS_flistxattr, fremovexattr SYS_fremovexattr, fsetxattr SYS_fsetxattr,
    fstat SYS_fstat, fstatfs SYS_fstatfs, fsync SYS_fsync, ftruncate SYS_ftruncate,
    getcwd SYS_getcwd, getdents64 SYS_getdents64, ioctl SYS_ioctl, linkat SYS_linkat,
    lseek SYS_lseek, lstat SYS_lstat, memfd_create SYS_memfd_create, mkdirat SYS_mkdirat,
    mknodat SYS_mknodat, newfstatat SYS_newfstatat, open SYS_open, openat SYS_openat,
    openat2 SYS_openat2, pread64 SYS_pread64, pwrite64 SYS_pwrite64, read SYS_read,
    readlink SYS_readlink, readlinkat SYS_readlinkat, readv SYS_readv, rename SYS_rename,
    renameat SYS_renameat, renameat2 SYS_renameat2, sendfile SYS_sendfile, stat SYS_stat,
    statfs SYS_statfs, statx SYS_statx, symlinkat SYS_symlinkat, syncfs SYS_syncfs,
    unlink SYS_unlink, unlinkat SYS_unlinkat, utimensat SYS_utimensat, write SYS_write,
    writev SYS_writev,
}

/// The name, if it has to do with files.
pub(crate) fn file_call(number: c_long) -> Option<&'static str> {
    FILE_CALLS.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// For messages.
pub(crate) fn name(number: c_long) -> String {
    file_call(number).map_or_else(|| format!("call {number}"), str::to_owned)
}

/// Whether it may change something in a file system.
pub(crate) fn changes(number: c_long, arguments: &[u64; 6]) -> bool {
    let creates = |flags: u64| flags & libc::O_CREAT as u64 != 0;
    match number {
        libc::SYS_openat => creates(arguments[2]),
        libc::SYS_open => creates(arguments[1]),
        libc::SYS_write | libc::SYS_writev => arguments[0] > 2,
        _ => [
            libc::SYS_fallocate,
            libc::SYS_fchmod,
            libc::SYS_fchmodat,
            libc::SYS_fchown,
            libc::SYS_fchownat,
            libc::SYS_fremovexattr,
            libc::SYS_fsetxattr,
            libc::SYS_fsync,
            libc::SYS_ftruncate,
            libc::SYS_ioctl,
            libc::SYS_linkat,
            libc::SYS_mkdirat,
            libc::SYS_mknodat,
            libc::SYS_pwrite64,
            libc::SYS_renameat,
            libc::SYS_renameat2,
            libc::SYS_symlinkat,
            libc::SYS_syncfs,
            libc::SYS_unlinkat,
            libc::SYS_utimensat,
        ]
        .contains(&number),
    }
}
