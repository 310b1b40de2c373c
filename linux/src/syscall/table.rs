//! Which number is which call, for each guest.
//!
//! x86-64 has numbers of its own; AArch64 and RISC-V share the kernel's generic ones. A call that the kernel has and
//! xlat does not stands here too, so that its trace line has a name. Numbers that are not here give `ENOSYS` as well.

use super::{Call, Handler, Reply, Row};
use super::{descriptors, futex, memory, paths, process, signals, time, transfer};
use crate::kernel::Integers;
use std::sync::LazyLock;
use translator::guest::Guest;

/// Finds a guest's call.
pub(super) fn find(guest: Guest, number: u64) -> Option<&'static Row> {
    static X86_64: LazyLock<Vec<Option<&Row>>> =
        LazyLock::new(|| index(CALLS.iter().map(|(x86, _, row)| (*x86, row))));
    static GENERIC: LazyLock<Vec<Option<&Row>>> =
        LazyLock::new(|| index(CALLS.iter().map(|(_, generic, row)| (*generic, row))));
    static RISCV64: LazyLock<Vec<Option<&Row>>> = LazyLock::new(|| {
        index(
            CALLS
                .iter()
                .map(|(_, generic, row)| (*generic, row))
                .chain(RISCV_CALLS.iter().map(|(n, row)| (*n, row))),
        )
    });
    let table = match guest {
        Guest::X86_64 => &X86_64,
        Guest::Aarch64 => &GENERIC,
        Guest::Riscv64 => &RISCV64,
    };
    table.get(usize::try_from(number).ok()?).copied().flatten()
}

fn index(rows: impl Iterator<Item = (i16, &'static Row)>) -> Vec<Option<&'static Row>> {
    let mut table = Vec::new();
    for (number, row) in rows {
        let Ok(number) = usize::try_from(number) else { continue };
        if table.len() <= number {
            table.resize(number + 1, None);
        }
        table[number] = Some(row);
    }
    table
}

/// A call that a guest does not have.
const NONE: i16 = -1;

const fn own(name: &'static str, format: &'static str, function: fn(&mut Call<'_>) -> Reply) -> Row {
    Row { name, format, handler: Handler::Own(function) }
}

const fn host(name: &'static str, format: &'static str, call: Integers) -> Row {
    Row { name, format, handler: Handler::Host(call) }
}

const fn missing(name: &'static str) -> Row {
    Row { name, format: "xxxxxx", handler: Handler::Missing }
}

/// Calls with a number for RISC-V only.
static RISCV_CALLS: &[(i16, Row)] = &[
    (258, own("riscv_hwprobe", "puupx", process::riscv_hwprobe)),
    (259, own("riscv_flush_icache", "ppx", process::riscv_flush_icache)),
];

/// x86-64 number, generic number, the call.
#[rustfmt::skip]
static CALLS: &[(i16, i16, Row)] = &[
    // Reading and writing.
    (0, 63, own("read", "dpu", transfer::read)),
    (1, 64, own("write", "dbu", transfer::write)),
    (17, 67, own("pread64", "dpuu", transfer::pread64)),
    (18, 68, own("pwrite64", "dbuu", transfer::pwrite64)),
    (19, 65, own("readv", "dpu", transfer::readv)),
    (20, 66, own("writev", "dpu", transfer::writev)),
    (295, 69, own("preadv", "dpuu", transfer::preadv)),
    (296, 70, own("pwritev", "dpuu", transfer::pwritev)),
    (40, 71, own("sendfile", "ddpu", transfer::sendfile)),
    (318, 278, own("getrandom", "pux", transfer::getrandom)),
    (275, 76, missing("splice")),
    (276, 77, missing("tee")),
    (278, 75, missing("vmsplice")),
    (326, 285, missing("copy_file_range")),
    (327, 286, missing("preadv2")),
    (328, 287, missing("pwritev2")),

    // Descriptors.
    (2, NONE, own("open", "sxo", descriptors::open)),
    (257, 56, own("openat", "asxo", descriptors::openat)),
    (85, NONE, own("creat", "so", descriptors::creat)),
    (3, 57, host("close", "d", Integers::Close)),
    (436, 436, host("close_range", "uux", Integers::CloseRange)),
    (8, 62, host("lseek", "ddd", Integers::Lseek)),
    (32, 23, host("dup", "d", Integers::Dup)),
    (33, NONE, own("dup2", "dd", descriptors::dup2)),
    (292, 24, host("dup3", "ddx", Integers::Dup3)),
    (22, NONE, own("pipe", "p", descriptors::pipe)),
    (293, 59, own("pipe2", "px", descriptors::pipe2)),
    (72, 25, own("fcntl", "ddx", descriptors::fcntl)),
    (16, 29, own("ioctl", "dxp", descriptors::ioctl)),
    (73, 32, host("flock", "dx", Integers::Flock)),
    (74, 82, host("fsync", "d", Integers::Fsync)),
    (75, 83, host("fdatasync", "d", Integers::Fdatasync)),
    (162, 81, host("sync", "", Integers::Sync)),
    (306, 267, host("syncfs", "d", Integers::Syncfs)),
    (277, 84, host("sync_file_range", "dddx", Integers::SyncFileRange)),
    (77, 46, host("ftruncate", "du", Integers::Ftruncate)),
    (285, 47, host("fallocate", "dxuu", Integers::Fallocate)),
    (221, 223, host("fadvise64", "duud", Integers::Fadvise)),
    (187, 213, host("readahead", "duu", Integers::Readahead)),
    (319, 279, own("memfd_create", "sx", descriptors::memfd_create)),
    (7, NONE, own("poll", "pud", descriptors::poll)),
    (271, 73, own("ppoll", "pupp", descriptors::ppoll)),
    (23, NONE, own("select", "dpppp", descriptors::select)),
    (270, 72, own("pselect6", "dppppp", descriptors::pselect6)),
    (213, NONE, own("epoll_create", "d", descriptors::epoll_create)),
    (291, 20, host("epoll_create1", "x", Integers::EpollCreate)),
    (233, 21, own("epoll_ctl", "dddp", descriptors::epoll_ctl)),
    (232, NONE, own("epoll_wait", "dpdd", descriptors::epoll_wait)),
    (281, 22, own("epoll_pwait", "dpddp", descriptors::epoll_wait)),
    (284, NONE, own("eventfd", "u", descriptors::eventfd)),
    (290, 19, host("eventfd2", "ux", Integers::Eventfd)),
    (34, NONE, own("pause", "", descriptors::pause)),
    (283, 85, missing("timerfd_create")),
    (286, 86, missing("timerfd_settime")),
    (287, 87, missing("timerfd_gettime")),
    (289, 74, missing("signalfd4")),
    (294, 26, missing("inotify_init1")),
    (437, 437, missing("openat2")),
    (425, 425, missing("io_uring_setup")),
    (441, 441, missing("epoll_pwait2")),

    // Paths.
    (4, NONE, own("stat", "sp", paths::stat)),
    (5, 80, own("fstat", "dp", paths::fstat)),
    (6, NONE, own("lstat", "sp", paths::lstat)),
    (262, 79, own("newfstatat", "aspx", paths::newfstatat)),
    (332, 291, own("statx", "asxxp", paths::statx)),
    (137, 43, own("statfs", "sp", paths::statfs)),
    (138, 44, own("fstatfs", "dp", paths::fstatfs)),
    (21, NONE, own("access", "sx", paths::access)),
    (269, 48, own("faccessat", "asx", paths::faccessat)),
    (439, 439, own("faccessat2", "asxx", paths::faccessat2)),
    (79, 17, own("getcwd", "pu", paths::getcwd)),
    (80, 49, own("chdir", "s", paths::chdir)),
    (81, 50, host("fchdir", "d", Integers::Fchdir)),
    (76, 45, own("truncate", "su", paths::truncate)),
    (83, NONE, own("mkdir", "so", paths::mkdir)),
    (258, 34, own("mkdirat", "aso", paths::mkdirat)),
    (84, NONE, own("rmdir", "s", paths::rmdir)),
    (87, NONE, own("unlink", "s", paths::unlink)),
    (263, 35, own("unlinkat", "asx", paths::unlinkat)),
    (82, NONE, own("rename", "ss", paths::rename)),
    (264, 38, own("renameat", "asas", paths::renameat)),
    (316, 276, own("renameat2", "asasx", paths::renameat2)),
    (86, NONE, own("link", "ss", paths::link)),
    (265, 37, own("linkat", "asasx", paths::linkat)),
    (88, NONE, own("symlink", "ss", paths::symlink)),
    (266, 36, own("symlinkat", "sas", paths::symlinkat)),
    (89, NONE, own("readlink", "spu", paths::readlink)),
    (267, 78, own("readlinkat", "aspu", paths::readlinkat)),
    (90, NONE, own("chmod", "so", paths::chmod)),
    (91, 52, host("fchmod", "do", Integers::Fchmod)),
    (268, 53, own("fchmodat", "aso", paths::fchmodat)),
    (92, NONE, own("chown", "sdd", paths::chown)),
    (93, 55, host("fchown", "ddd", Integers::Fchown)),
    (94, NONE, own("lchown", "sdd", paths::lchown)),
    (260, 54, own("fchownat", "asddx", paths::fchownat)),
    (133, NONE, own("mknod", "sox", paths::mknod)),
    (259, 33, own("mknodat", "asox", paths::mknodat)),
    (95, 166, host("umask", "o", Integers::Umask)),
    (217, 61, own("getdents64", "dpu", paths::getdents64)),
    (235, NONE, own("utimes", "sp", paths::utimes)),
    (280, 88, own("utimensat", "aspx", paths::utimensat)),
    (78, NONE, missing("getdents")),
    (132, NONE, missing("utime")),
    (261, NONE, missing("futimesat")),
    (161, 51, missing("chroot")),
    (191, 8, missing("getxattr")),
    (192, 9, missing("lgetxattr")),
    (193, 10, missing("fgetxattr")),

    // Memory.
    (12, 214, own("brk", "p", memory::brk)),
    (9, 222, own("mmap", "puxxdx", memory::mmap)),
    (10, 226, own("mprotect", "pux", memory::mprotect)),
    (11, 215, own("munmap", "pu", memory::munmap)),
    (25, 216, own("mremap", "puuxp", memory::mremap)),
    (28, 233, own("madvise", "pud", memory::madvise)),
    (26, 227, own("msync", "pux", memory::msync)),
    (27, 232, own("mincore", "pup", memory::mincore)),
    (149, 228, own("mlock", "pu", memory::mlock)),
    (150, 229, own("munlock", "pu", memory::mlock)),
    (325, 284, own("mlock2", "pux", memory::mlock)),
    (151, 230, missing("mlockall")),
    (152, 231, missing("munlockall")),
    (237, 235, missing("mbind")),
    (239, 236, missing("get_mempolicy")),
    (324, 283, own("membarrier", "dxd", process::membarrier)),
    (329, 288, missing("pkey_mprotect")),

    // Time.
    (228, 113, own("clock_gettime", "dp", time::clock_gettime)),
    (229, 114, own("clock_getres", "dp", time::clock_getres)),
    (230, 115, own("clock_nanosleep", "dxpp", time::clock_nanosleep)),
    (35, 101, own("nanosleep", "pp", time::nanosleep)),
    (96, 169, own("gettimeofday", "pp", time::gettimeofday)),
    (201, NONE, own("time", "p", time::time)),
    (100, 153, own("times", "p", time::times)),
    (36, 102, own("getitimer", "dp", time::getitimer)),
    (38, 103, own("setitimer", "dpp", time::setitimer)),
    (37, NONE, own("alarm", "u", time::alarm)),
    (227, 112, missing("clock_settime")),
    (222, 107, missing("timer_create")),

    // The process.
    (60, 93, own("exit", "d", process::exit)),
    (231, 94, own("exit_group", "d", process::exit)),
    (39, 172, host("getpid", "", Integers::Getpid)),
    (186, 178, own("gettid", "", process::gettid)),
    (110, 173, host("getppid", "", Integers::Getppid)),
    (121, 155, host("getpgid", "d", Integers::Getpgid)),
    (111, NONE, own("getpgrp", "", process::getpgrp)),
    (109, 154, host("setpgid", "dd", Integers::Setpgid)),
    (124, 156, host("getsid", "d", Integers::Getsid)),
    (112, 157, host("setsid", "", Integers::Setsid)),
    (102, 174, host("getuid", "", Integers::Getuid)),
    (107, 175, host("geteuid", "", Integers::Geteuid)),
    (104, 176, host("getgid", "", Integers::Getgid)),
    (108, 177, host("getegid", "", Integers::Getegid)),
    (118, 148, own("getresuid", "ppp", process::getresuid)),
    (120, 150, own("getresgid", "ppp", process::getresgid)),
    (115, 158, own("getgroups", "dp", process::getgroups)),
    (63, 160, own("uname", "p", process::uname)),
    (99, 179, own("sysinfo", "p", process::sysinfo)),
    (98, 165, own("getrusage", "dp", process::getrusage)),
    (97, 163, own("getrlimit", "up", process::getrlimit)),
    (160, 164, own("setrlimit", "up", process::setrlimit)),
    (302, 261, own("prlimit64", "dupp", process::prlimit64)),
    (140, 141, host("getpriority", "dd", Integers::Getpriority)),
    (141, 140, host("setpriority", "ddd", Integers::Setpriority)),
    (24, 124, host("sched_yield", "", Integers::SchedYield)),
    (203, 122, own("sched_setaffinity", "dup", process::sched_setaffinity)),
    (204, 123, own("sched_getaffinity", "dup", process::sched_getaffinity)),
    (143, 121, own("sched_getparam", "dp", process::sched_getparam)),
    (145, 120, host("sched_getscheduler", "d", Integers::SchedGetscheduler)),
    (146, 125, host("sched_get_priority_max", "d", Integers::SchedPriorityMax)),
    (147, 126, host("sched_get_priority_min", "d", Integers::SchedPriorityMin)),
    (309, 168, own("getcpu", "ppp", process::getcpu)),
    (157, 167, own("prctl", "dxxxx", process::prctl)),
    (158, NONE, own("arch_prctl", "xp", process::arch_prctl)),
    (135, 92, own("personality", "x", process::personality)),
    (218, 96, own("set_tid_address", "p", process::set_tid_address)),
    (273, 99, own("set_robust_list", "pu", process::set_robust_list)),
    (274, 100, own("get_robust_list", "dpp", process::get_robust_list)),
    (202, 98, own("futex", "pxuppx", futex::futex)),
    (334, 293, missing("rseq")),
    (56, 220, missing("clone")),
    (435, 435, missing("clone3")),
    (57, NONE, missing("fork")),
    (58, NONE, missing("vfork")),
    (59, 221, missing("execve")),
    (322, 281, missing("execveat")),
    (61, 260, missing("wait4")),
    (247, 95, missing("waitid")),
    (101, 117, missing("ptrace")),
    (103, 116, missing("syslog")),
    (105, 146, missing("setuid")),
    (106, 144, missing("setgid")),
    (125, 90, missing("capget")),
    (142, 118, missing("sched_setparam")),
    (144, 119, missing("sched_setscheduler")),
    (314, 274, missing("sched_setattr")),
    (315, 275, missing("sched_getattr")),
    (317, 277, missing("seccomp")),
    (321, 280, missing("bpf")),
    (424, 424, missing("pidfd_send_signal")),
    (434, 434, missing("pidfd_open")),

    // Signals.
    (13, 134, own("rt_sigaction", "dppu", signals::rt_sigaction)),
    (14, 135, own("rt_sigprocmask", "dppu", signals::rt_sigprocmask)),
    (127, 136, own("rt_sigpending", "pu", signals::rt_sigpending)),
    (130, 133, own("rt_sigsuspend", "pu", signals::rt_sigsuspend)),
    (131, 132, own("sigaltstack", "pp", signals::sigaltstack)),
    (62, 129, own("kill", "dd", signals::kill)),
    (200, 130, own("tkill", "dd", signals::tkill)),
    (234, 131, own("tgkill", "ddd", signals::tgkill)),
    (15, 139, missing("rt_sigreturn")),
    (128, 137, missing("rt_sigtimedwait")),
    (129, 138, missing("rt_sigqueueinfo")),

    // Sockets and interprocess communication.
    (41, 198, missing("socket")),
    (42, 203, missing("connect")),
    (43, 202, missing("accept")),
    (44, 206, missing("sendto")),
    (45, 207, missing("recvfrom")),
    (46, 211, missing("sendmsg")),
    (47, 212, missing("recvmsg")),
    (48, 210, missing("shutdown")),
    (49, 200, missing("bind")),
    (50, 201, missing("listen")),
    (51, 204, missing("getsockname")),
    (52, 205, missing("getpeername")),
    (53, 199, missing("socketpair")),
    (54, 208, missing("setsockopt")),
    (55, 209, missing("getsockopt")),
    (288, 242, missing("accept4")),
    (29, 194, missing("shmget")),
    (30, 196, missing("shmat")),
    (64, 190, missing("semget")),
    (68, 186, missing("msgget")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_number_and_no_name_stands_twice() {
        let (mut x86, mut generic, mut names) = (HashSet::new(), HashSet::new(), HashSet::new());
        for (x86_number, generic_number, row) in CALLS {
            assert!(names.insert(row.name), "{}", row.name);
            assert!(*x86_number == NONE || x86.insert(x86_number), "{}", row.name);
            assert!(*generic_number == NONE || generic.insert(generic_number), "{}", row.name);
            assert!(row.format.len() <= 6, "{}", row.name);
        }
        for (number, row) in RISCV_CALLS {
            assert!(generic.insert(number), "{}", row.name);
        }
    }

    /// The C library knows the host's numbers: a slip in that column shows here on a host of that kind.
    #[test]
    fn numbers_are_the_hosts() {
        let host = if cfg!(target_arch = "x86_64") { Guest::X86_64 } else { Guest::Aarch64 };
        macro_rules! check {
            ($($name:ident = $number:ident,)*) => {
                $(assert_eq!(find(host, libc::$number as u64).map(|row| row.name), Some(stringify!($name)));)*
            };
        }
        check! {
            read = SYS_read, write = SYS_write, openat = SYS_openat, close = SYS_close, newfstatat = SYS_newfstatat,
            statx = SYS_statx, mmap = SYS_mmap, mremap = SYS_mremap, madvise = SYS_madvise, futex = SYS_futex,
            clock_nanosleep = SYS_clock_nanosleep, prlimit64 = SYS_prlimit64, getrandom = SYS_getrandom,
            tgkill = SYS_tgkill, rt_sigaction = SYS_rt_sigaction, faccessat2 = SYS_faccessat2, ppoll = SYS_ppoll,
            epoll_pwait = SYS_epoll_pwait, eventfd2 = SYS_eventfd2, fallocate = SYS_fallocate, dup3 = SYS_dup3,
            sysinfo = SYS_sysinfo, getgroups = SYS_getgroups, utimensat = SYS_utimensat, fadvise64 = SYS_fadvise64,
            set_tid_address = SYS_set_tid_address, membarrier = SYS_membarrier, sendfile = SYS_sendfile,
            linkat = SYS_linkat, symlinkat = SYS_symlinkat, renameat2 = SYS_renameat2, fchownat = SYS_fchownat,
            fchmodat = SYS_fchmodat, mknodat = SYS_mknodat, getcwd = SYS_getcwd, fstatfs = SYS_fstatfs,
            sched_getaffinity = SYS_sched_getaffinity, getrusage = SYS_getrusage, times = SYS_times,
            setitimer = SYS_setitimer, personality = SYS_personality, prctl = SYS_prctl, getcpu = SYS_getcpu,
            memfd_create = SYS_memfd_create, pselect6 = SYS_pselect6, epoll_ctl = SYS_epoll_ctl, wait4 = SYS_wait4,
            sync_file_range = SYS_sync_file_range, readahead = SYS_readahead, syncfs = SYS_syncfs,
        }
    }

    #[test]
    fn guests_have_their_own_numbers() {
        let name = |guest, number| find(guest, number).map(|row| row.name);
        assert_eq!(name(Guest::X86_64, 60), Some("exit"));
        assert_eq!(name(Guest::Aarch64, 93), Some("exit"));
        assert_eq!(name(Guest::Riscv64, 258), Some("riscv_hwprobe"));
        assert_eq!(name(Guest::Aarch64, 258), None);
        assert_eq!(name(Guest::Riscv64, u64::MAX), None);
    }
}
