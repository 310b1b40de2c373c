//! Cryptographic extension.

use super::table::section;

section! {
    /// Cryptographic instructions.
    Crypto {
        "Cryptographic AES" {
            Aese = "AESE" [Aes "01001110 00 10100 00100 10 nnnnn ddddd"]
            Aesd = "AESD" [Aes "01001110 00 10100 00101 10 nnnnn ddddd"]
            Aesmc = "AESMC" [Aes "01001110 00 10100 00110 10 nnnnn ddddd"]
            Aesimc = "AESIMC" [Aes "01001110 00 10100 00111 10 nnnnn ddddd"]
        }
        "Cryptographic three-register SHA" {
            Sha1c = "SHA1C" [Sha1 "01011110 000 mmmmm 0 000 00 nnnnn ddddd"]
            Sha1p = "SHA1P" [Sha1 "01011110 000 mmmmm 0 001 00 nnnnn ddddd"]
            Sha1m = "SHA1M" [Sha1 "01011110 000 mmmmm 0 010 00 nnnnn ddddd"]
            Sha1su0 = "SHA1SU0" [Sha1 "01011110 000 mmmmm 0 011 00 nnnnn ddddd"]
            Sha256h = "SHA256H" [Sha256 "01011110 000 mmmmm 0 100 00 nnnnn ddddd"]
            Sha256h2 = "SHA256H2" [Sha256 "01011110 000 mmmmm 0 101 00 nnnnn ddddd"]
            Sha256su1 = "SHA256SU1" [Sha256 "01011110 000 mmmmm 0 110 00 nnnnn ddddd"]
        }
        "Cryptographic two-register SHA" {
            Sha1h = "SHA1H" [Sha1 "01011110 00 10100 00000 10 nnnnn ddddd"]
            Sha1su1 = "SHA1SU1" [Sha1 "01011110 00 10100 00001 10 nnnnn ddddd"]
            Sha256su0 = "SHA256SU0" [Sha256 "01011110 00 10100 00010 10 nnnnn ddddd"]
        }
        "Cryptographic three-register SHA 512" {
            Sha512h = "SHA512H" [Sha512 "11001110 011 mmmmm 1 00000 nnnnn ddddd"]
            Sha512h2 = "SHA512H2" [Sha512 "11001110 011 mmmmm 1 00001 nnnnn ddddd"]
            Sha512su1 = "SHA512SU1" [Sha512 "11001110 011 mmmmm 1 00010 nnnnn ddddd"]
            Rax1 = "RAX1" [Sha3 "11001110 011 mmmmm 1 00011 nnnnn ddddd"]
            Sm3partw1 = "SM3PARTW1" [Sm3 "11001110 011 mmmmm 1 10000 nnnnn ddddd"]
            Sm3partw2 = "SM3PARTW2" [Sm3 "11001110 011 mmmmm 1 10001 nnnnn ddddd"]
            Sm4ekey = "SM4EKEY" [Sm4 "11001110 011 mmmmm 1 10010 nnnnn ddddd"]
        }
        "Cryptographic two-register SHA 512" {
            Sha512su0 = "SHA512SU0" [Sha512 "11001110 110 00000 100000 nnnnn ddddd"]
            Sm4e = "SM4E" [Sm4 "11001110 110 00000 100001 nnnnn ddddd"]
        }
        "Cryptographic four-register" {
            Eor3 = "EOR3" [Sha3 "11001110 000 mmmmm 0 aaaaa nnnnn ddddd"]
            Bcax = "BCAX" [Sha3 "11001110 001 mmmmm 0 aaaaa nnnnn ddddd"]
            Sm3ss1 = "SM3SS1" [Sm3 "11001110 010 mmmmm 0 aaaaa nnnnn ddddd"]
        }
        "XAR" {
            Xar = "XAR" [Sha3 "11001110 100 mmmmm iiiiii nnnnn ddddd"]
        }
        "Cryptographic three-register, imm2" {
            Sm3Tt1a = "SM3TT1A" [Sm3 "11001110 010 mmmmm 10 ii 00 nnnnn ddddd"]
            Sm3Tt1b = "SM3TT1B" [Sm3 "11001110 010 mmmmm 10 ii 01 nnnnn ddddd"]
            Sm3Tt2a = "SM3TT2A" [Sm3 "11001110 010 mmmmm 10 ii 10 nnnnn ddddd"]
            Sm3Tt2b = "SM3TT2B" [Sm3 "11001110 010 mmmmm 10 ii 11 nnnnn ddddd"]
        }
    }
}
