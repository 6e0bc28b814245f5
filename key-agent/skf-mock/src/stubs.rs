//! The rest of the 61 functions: whoever loads the library looks for all of them and calls none.

macro_rules! stubs {
    ($($name:ident)*) => {
        $(
            /// Not supported, as the standard lets a token say.
            #[unsafe(no_mangle)]
            pub extern "C" fn $name() -> u32 {
                0x0A00_0003
            }
        )*
    };
}

stubs! {
    SKF_WaitForDevEvent SKF_CancelWaitForDevEvent SKF_GetDevState SKF_SetLabel SKF_LockDev
    SKF_UnlockDev SKF_Transmit SKF_ChangeDevAuthKey SKF_DevAuth SKF_CreateApplication
    SKF_DeleteApplication SKF_EnumFiles SKF_CreateFile SKF_DeleteFile SKF_GetFileInfo SKF_ReadFile
    SKF_WriteFile SKF_UnblockPIN SKF_CreateContainer SKF_DeleteContainer SKF_GetContainerType
    SKF_ImportCertificate SKF_GenRandom SKF_CloseHandle SKF_SetSymmKey SKF_EncryptInit SKF_Encrypt
    SKF_EncryptUpdate SKF_EncryptFinal SKF_DecryptInit SKF_Decrypt SKF_DecryptUpdate
    SKF_DecryptFinal SKF_ExtECCEncrypt SKF_ExtECCDecrypt SKF_ExtECCSign SKF_ExtECCVerify
    SKF_GenECCKeyPair SKF_ImportECCKeyPair SKF_ECCVerify SKF_ECCExportSessionKey
    SKF_GenerateAgreementDataWithECC SKF_GenerateAgreementDataAndKeyWithECC SKF_ExportPublicKey
    SKF_ImportSessionKey SKF_GenerateKeyWithECC
}
