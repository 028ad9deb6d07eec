//! C functions that Rust's standard library refers to for wasm32-wasip1 and that wasi-libc of 2022 lacks.
//!
//! Compiled into sysroots that use such a libc, never into the SDK: where the target comes with a newer libc, they are there.
//! WASI preview 1 has neither threads nor a way to resolve links, so threads cannot be created, and a path that exists is
//! its own real path.

#![no_std]

use core::ffi::{c_char, c_int, c_void};
use core::ptr::null_mut;

/// "Resource temporarily unavailable" in WASI's numbering, where POSIX wants it when no thread can be had.
const EAGAIN: c_int = 6;

/// `access` mode that asks whether a path exists.
const F_OK: c_int = 0;

unsafe extern "C" {
    fn access(path: *const c_char, mode: c_int) -> c_int;
    fn strdup(text: *const c_char) -> *mut c_char;
}

#[unsafe(no_mangle)]
pub extern "C" fn pthread_attr_init(_: *mut c_void) -> c_int {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn pthread_attr_setstacksize(_: *mut c_void, _: usize) -> c_int {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn pthread_attr_destroy(_: *mut c_void) -> c_int {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn pthread_create(_: *mut c_void, _: *const c_void, _: *const c_void, _: *mut c_void) -> c_int {
    EAGAIN
}

#[unsafe(no_mangle)]
pub extern "C" fn pthread_detach(_: *mut c_void) -> c_int {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn pthread_join(_: *mut c_void, _: *mut *mut c_void) -> c_int {
    EAGAIN
}

/// # Safety
/// `path` ends with a zero byte. A caller's buffer is not supported; Rust passes none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realpath(path: *const c_char, buffer: *mut c_char) -> *mut c_char {
    // SAFETY: both functions only read `path` up to its zero byte.
    unsafe { if buffer.is_null() && access(path, F_OK) == 0 { strdup(path) } else { null_mut() } }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
