#include "net/pem_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <sys/stat.h>

#include "base/file_system.h"
#include "base/log.h"

namespace rb::net {

namespace {

// A chain of certificates is a few KiB.
constexpr std::uint64_t kMaxPemBytes = 1 << 20;

Result<Bytes> read_pem(const std::string& path) {
  const auto fs = make_posix_file_system();
  Result<Bytes> text = read_file(*fs, path, kMaxPemBytes);
  if (!text) return std::unexpected(text.error().with("TLS"));
  return text;
}

OpensslPtr<BIO> memory_bio(ByteView text) {
  return OpensslPtr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Nobody sits at a server's terminal to type a passphrase.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

}  // namespace

Result<OpensslPtr<EVP_PKEY>> load_private_key(const std::string& path) {
  RB_TRY(Bytes text, read_pem(path));
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & 077) != 0) {
    log(LogLevel::warning, "{} may be used by others than its owner (mode {:04o}): chmod 600 it", path,
        status.st_mode & 07777u);
  }
  const OpensslPtr<BIO> bio = memory_bio(text);
  OpensslPtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_passphrase, nullptr));
  OPENSSL_cleanse(text.data(), text.size());
  if (!key) {
    return fail_openssl(Errc::invalid_argument,
                        fmt::format("{} holds no private key in PEM form without a passphrase", path));
  }
  return key;
}

Result<OpensslPtr<X509>> load_certificate(const std::string& path) {
  RB_TRY(const Bytes text, read_pem(path));
  const OpensslPtr<BIO> bio = memory_bio(text);
  OpensslPtr<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, &no_passphrase, nullptr));
  if (!certificate) {
    return fail_openssl(Errc::invalid_argument, fmt::format("{} holds no certificate in PEM form", path));
  }
  return certificate;
}

Result<api::KeyPin> pin_of(X509& certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&certificate), &der);
  if (size <= 0) return fail_openssl(Errc::invalid_argument, "reading a certificate's public key");
  api::KeyPin pin;
  SHA256(der, static_cast<std::size_t>(size), pin.bytes.data());
  OPENSSL_free(der);
  return pin;
}

}  // namespace rb::net
