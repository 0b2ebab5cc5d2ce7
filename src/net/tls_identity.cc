#include "net/tls_identity.h"

#include <array>

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"
#include "net/pem_files.h"
#include "net/server.h"

namespace rb::net {

namespace {

constexpr long kDay = 24L * 60 * 60;

struct Paths {
  explicit Paths(const std::string& directory)
      : key(directory + "/key.pem"),
        certificate(directory + "/cert.pem"),
        next_key(directory + "/next-key.pem"),
        next_certificate(directory + "/next-cert.pem") {}
  std::string key, certificate, next_key, next_certificate;
};

Result<Bytes> contents_of(BIO& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(&bio, &data);
  if (size <= 0) return fail_openssl(Errc::io, "writing PEM");
  const ByteView view(reinterpret_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size));
  return Bytes(view.begin(), view.end());
}

Result<OpensslPtr<X509>> self_signed(EVP_PKEY& key) {
  OpensslPtr<X509> made(X509_new());
  // 64 random bits, positive and never zero: some readers insist on serial numbers being different.
  std::array<std::uint8_t, 8> random{};
  fill_random(random);
  std::uint64_t serial = 1;
  for (const std::uint8_t byte : random)
    serial = (serial << 8 | byte) & INT64_MAX;
  X509_NAME* const name = X509_get_subject_name(made.get());
  const auto* const common_name = reinterpret_cast<const unsigned char*>("rbbackupd");
  // A day back, since clocks differ.
  const bool done = X509_set_version(made.get(), X509_VERSION_3) &&
                    ASN1_INTEGER_set_uint64(X509_get_serialNumber(made.get()), serial) &&
                    X509_gmtime_adj(X509_getm_notBefore(made.get()), -kDay) &&
                    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3652 * kDay) &&
                    X509_set_pubkey(made.get(), &key) &&
                    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0) &&
                    X509_set_issuer_name(made.get(), name) && X509_sign(made.get(), &key, EVP_sha256());
  if (!done) return fail_openssl(Errc::io, "making a certificate");
  return made;
}

Result<bool> exists(const std::string& path) {
  return make_posix_file_system()->exists(path);
}

// The file is made with mode 0600 and only then opened to readers, if it is to be.
Status save(const std::string& path, ByteView content, mode_t mode) {
  const auto fs = make_posix_file_system();
  RB_TRY(write_file_atomically(*fs, path, content));
  if (::chmod(path.c_str(), mode) != 0) return fail_errno(fmt::format("setting the mode of {}", path), errno);
  return {};
}

Status make_key(const std::string& path) {
  const OpensslPtr<EVP_PKEY> key(EVP_EC_gen("P-256"));
  const OpensslPtr<BIO> bio(BIO_new(BIO_s_secmem()));
  if (!key || !bio || !PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr))
    return fail_openssl(Errc::io, "making a key");
  RB_TRY(Bytes text, contents_of(*bio));
  const Status saved = save(path, text, 0600);
  OPENSSL_cleanse(text.data(), text.size());
  return saved;
}

Status make_certificate(const std::string& key_path, const std::string& path) {
  RB_TRY(const OpensslPtr<EVP_PKEY> key, load_private_key(key_path));
  RB_TRY(const OpensslPtr<X509> certificate, self_signed(*key));
  const OpensslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  if (!bio || !PEM_write_bio_X509(bio.get(), certificate.get()))
    return fail_openssl(Errc::io, "writing a certificate");
  RB_TRY(const Bytes text, contents_of(*bio));
  return save(path, text, 0644);
}

Result<bool> belong_together(const std::string& key_path, const std::string& certificate_path) {
  RB_TRY(const OpensslPtr<EVP_PKEY> key, load_private_key(key_path));
  RB_TRY(const OpensslPtr<X509> certificate, load_certificate(certificate_path));
  const bool match = X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  return match;
}

Status rename_durably(const std::string& from, const std::string& to) {
  const auto fs = make_posix_file_system();
  RB_TRY(fs->rename(from, to));
  return fs->sync_directory(parent_directory(to));
}

// A switch renames the key, then the certificate. What it leaves between the two is a next certificate
// without its key.
Status finish_switch(const Paths& paths) {
  RB_TRY(const bool has_next_key, exists(paths.next_key));
  RB_TRY(const bool has_next_certificate, exists(paths.next_certificate));
  if (has_next_key || !has_next_certificate) return {};
  RB_TRY(const bool is_ours, belong_together(paths.key, paths.next_certificate));
  if (!is_ours) return {};
  return rename_durably(paths.next_certificate, paths.certificate);
}

// The key first: a certificate can be made from it at any time.
Status ensure_pair(const std::string& key, const std::string& certificate) {
  RB_TRY(const bool has_key, exists(key));
  RB_TRY(const bool has_certificate, exists(certificate));
  if (!has_key && has_certificate) {
    return fail(
        Errc::not_found,
        fmt::format("{} is missing, but {} exists: put the key back; or remove the certificate too, and "
                    "all clients have to join again",
                    key, certificate));
  }
  if (!has_key) RB_TRY(make_key(key));
  if (!has_certificate) RB_TRY(make_certificate(key, certificate));
  return {};
}

}  // namespace

TlsFiles tls_files_in(const std::string& directory) {
  const Paths paths(directory);
  return {paths.certificate, paths.key};
}

Status ensure_tls_identity(const std::string& directory) {
  const Paths paths(directory);
  const auto fs = make_posix_file_system();
  RB_TRY(fs->create_directory(directory));
  RB_TRY(fs->sync_directory(parent_directory(directory)));
  RB_TRY(const bool has_key, exists(paths.key));
  if (has_key) RB_TRY(finish_switch(paths));
  return ensure_pair(paths.key, paths.certificate);
}

Status make_next_tls_key(const std::string& directory) {
  RB_TRY(ensure_tls_identity(directory));
  const Paths paths(directory);
  return ensure_pair(paths.next_key, paths.next_certificate);
}

Status switch_to_next_tls_key(const std::string& directory) {
  const Paths paths(directory);
  RB_TRY(const bool has_next, exists(paths.next_key));
  if (!has_next) return fail(Errc::not_found, fmt::format("there is no {}", paths.next_key));
  RB_TRY(ensure_pair(paths.next_key, paths.next_certificate));
  RB_TRY(const bool match, belong_together(paths.next_key, paths.next_certificate));
  if (!match) {
    return fail(Errc::invalid_argument,
                fmt::format("{} and {} don't belong together", paths.next_key, paths.next_certificate));
  }
  RB_TRY(rename_durably(paths.next_key, paths.key));
  return finish_switch(paths);
}

Result<std::optional<api::KeyPin>> pin_of_next_tls_key(const std::string& directory) {
  const Paths paths(directory);
  RB_TRY(const bool has_key, exists(paths.next_key));
  RB_TRY(const bool has_certificate, exists(paths.next_certificate));
  if (!has_key || !has_certificate) return std::nullopt;
  RB_TRY(const api::KeyPin pin, pin_of_certificate(paths.next_certificate));
  return pin;
}

Result<api::KeyPin> pin_of_certificate(const std::string& pem_path) {
  RB_TRY(const OpensslPtr<X509> certificate, load_certificate(pem_path));
  return pin_of(*certificate);
}

}  // namespace rb::net
