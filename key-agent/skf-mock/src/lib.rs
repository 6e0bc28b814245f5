//! A token of the national interface SKF (GM/T 0016) that is made of software: the agent's tests load
//! it as they would load a maker's driver. One device, one application, one container with an SM2
//! key; a PIN that is counted and locks.
//!
//! The key is the published example of GB/T 32918.5, so nothing here is secret. With `SKF_MOCK_TOKEN`
//! a folder that holds `certificate.der` and `key` (32 bytes) takes its place, `encryption.der` beside
//! them is the token's second certificate, and the token is plugged in while `certificate.der` lies
//! there. Each copy of the library has a state of its own.
//!
//! Everything here is called over C, with pointers that the caller answers for; hence `unsafe`.

#![expect(clippy::missing_safety_doc, reason = "the standard says what each pointer is")]

mod state;
mod stubs;

use std::ffi::CStr;

use skf_api::native::types::{
    BOOL, BYTE, CHAR, DeviceInfo, ECCSignatureBlob, HANDLE, LPSTR, ULONG, Version, Void,
};
use sm2::dsa::SigningKey;
use sm2::dsa::signature::hazmat::PrehashSigner;

use state::{MOST_TRIES, State, is_plugged_in, token};

pub const FIRST_PIN: &str = "123456";
pub const SERIAL: &str = "MOCK0001";

const OK: ULONG = 0;
const NO_SUCH: ULONG = 0x0A00_0005;
const BAD_DATA: ULONG = 0x0A00_0011;
const NO_CERTIFICATE: ULONG = 0x0A00_001C;
const SMALL_BUFFER: ULONG = 0x0A00_0020;
const DEVICE_REMOVED: ULONG = 0x0A00_0023;
const PIN_INCORRECT: ULONG = 0x0A00_0024;
const PIN_LOCKED: ULONG = 0x0A00_0025;
const PIN_LEN_RANGE: ULONG = 0x0A00_0027;
const NOT_LOGGED_IN: ULONG = 0x0A00_002D;

/// One of each, so any handle does.
fn handle() -> HANDLE {
    std::ptr::dangling::<Void>()
}

unsafe fn give(bytes: &[u8], to: *mut u8, length: *mut ULONG) -> ULONG {
    unsafe {
        let room = *length as usize;
        *length = ULONG::try_from(bytes.len()).unwrap_or(ULONG::MAX);
        if to.is_null() {
            return OK;
        }
        if room < bytes.len() {
            return SMALL_BUFFER;
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
    }
    OK
}

unsafe fn text<'a>(from: LPSTR) -> &'a [u8] {
    unsafe { CStr::from_ptr(from.cast()) }.to_bytes()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn SKF_EnumDev(_: BOOL, names: *mut CHAR, size: *mut ULONG) -> ULONG {
    let plugged_in: &[u8] = if is_plugged_in() { b"Mock Key\0\0" } else { b"" };
    unsafe { give(plugged_in, names, size) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn SKF_ConnectDev(_: LPSTR, device: *mut HANDLE) -> ULONG {
    if !is_plugged_in() {
        return DEVICE_REMOVED;
    }
    unsafe { *device = handle() };
    OK
}

#[unsafe(no_mangle)]
pub extern "C" fn SKF_DisConnectDev(_: HANDLE) -> ULONG {
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn SKF_GetDevInfo(_: HANDLE, info: *mut DeviceInfo) -> ULONG {
    let one = Version { major: 1, minor: 0 };
    let told = DeviceInfo {
        version: one,
        manufacturer: padded("Hufu"),
        issuer: padded("Hufu"),
        label: padded("Mock Key"),
        serial_number: padded(SERIAL),
        hw_version: one,
        firmware_version: one,
        alg_sym_cap: 0,
        alg_asym_cap: 0,
        alg_hash_cap: 0,
        dev_auth_alg_id: 0,
        total_space: 0,
        free_space: 0,
        max_ecc_buffer_size: 0,
        max_buffer_size: 0,
        reserved: [0; 64],
    };
    unsafe { info.write_unaligned(told) };
    OK
}

fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [0; N];
    field[..text.len()].copy_from_slice(text.as_bytes());
    field
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn SKF_EnumApplication(
    _: HANDLE,
    names: *mut CHAR,
    size: *mut ULONG,
) -> ULONG {
    unsafe { give(b"TAX\0\0", names, size) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn SKF_OpenApplication(_: HANDLE, _: LPSTR, app: *mut HANDLE) -> ULONG {
    unsafe { *app = handle() };
    OK
}

#[unsafe(no_mangle)]
pub extern "C" fn SKF_CloseApplication(_: HANDLE) -> ULONG {
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn SKF_GetPINInfo(
    _: HANDLE,
    _: ULONG,
    most: *mut ULONG,
    left: *mut ULONG,
    default: *mut BOOL,
) -> ULONG {
    let state = State::now();
    unsafe {
        *most = MOST_TRIES;
        *left = state.tries_left;
        *default = BOOL::from(state.pin == FIRST_PIN.as_bytes());
    }
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn SKF_VerifyPIN(_: HANDLE, _: ULONG, pin: LPSTR, left: *mut ULONG) -> ULONG {
    let mut state = State::now();
    let answer = state.verify(unsafe { text(pin) });
    unsafe { *left = state.tries_left };
    answer
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn SKF_ChangePIN(
    _: HANDLE,
    _: ULONG,
    old: LPSTR,
    new: LPSTR,
    left: *mut ULONG,
) -> ULONG {
    let mut state = State::now();
    let answer = state.change(unsafe { text(old) }, unsafe { text(new) });
    unsafe { *left = state.tries_left };
    answer
}

#[unsafe(no_mangle)]
pub extern "C" fn SKF_ClearSecureState(_: HANDLE) -> ULONG {
    State::now().logged_in = false;
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn SKF_EnumContainer(_: HANDLE, names: *mut CHAR, size: *mut ULONG) -> ULONG {
    unsafe { give(b"SM2\0\0", names, size) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn SKF_OpenContainer(_: HANDLE, _: LPSTR, opened: *mut HANDLE) -> ULONG {
    unsafe { *opened = handle() };
    OK
}

#[unsafe(no_mangle)]
pub extern "C" fn SKF_CloseContainer(_: HANDLE) -> ULONG {
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn SKF_ExportCertificate(
    _: HANDLE,
    to_sign: BOOL,
    bytes: *mut BYTE,
    size: *mut ULONG,
) -> ULONG {
    let token = token();
    let kept = if to_sign == 0 { token.encryption.as_ref() } else { Some(&token.certificate) };
    let Some(kept) = kept else { return NO_CERTIFICATE };
    unsafe { give(kept, bytes, size) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn SKF_ECCSignData(
    _: HANDLE,
    digest: *const BYTE,
    length: ULONG,
    signature: *mut ECCSignatureBlob,
) -> ULONG {
    if !State::now().logged_in {
        return NOT_LOGGED_IN;
    }
    if length != 32 {
        return BAD_DATA;
    }
    let digest = unsafe { std::slice::from_raw_parts(digest, 32) };
    // What is signed is a digest already, so whose signature it is says nothing here.
    let Ok(key) = SigningKey::from_slice("", &token().key) else { return NO_SUCH };
    let Ok(signed) = key.sign_prehash(digest) else { return BAD_DATA };
    let mut blob = ECCSignatureBlob { r: [0; 64], s: [0; 64] };
    blob.r[32..].copy_from_slice(&signed.r_bytes());
    blob.s[32..].copy_from_slice(&signed.s_bytes());
    unsafe { signature.write_unaligned(blob) };
    OK
}
