#include "repository/credential_book.h"

#include <gtest/gtest.h>

#include "support/filled_id.h"

namespace rb {
namespace {

using test::filled_id;

class CredentialBookTest : public testing::Test {
 protected:
  // The rows that it changed.
  template <typename Record>
  std::vector<CatalogCredential> take(const Record& record) {
    CatalogBatch changed;
    book_.take(record, changed);
    return changed.credentials;
  }
  bool is_revoked(std::uint8_t number) const {
    return book_.credential(filled_id<CredentialId>(number))->revoked;
  }

  CredentialBook book_;
};

TEST_F(CredentialBookTest, ARevocationIsOfOneToken) {
  (void)take(AdministratorRecord{
      .made = {2, 0}, .credential = filled_id<CredentialId>(2), .secret = {}, .name = "b"});
  (void)take(AdministratorRecord{
      .made = {3, 0}, .credential = filled_id<CredentialId>(1), .secret = {}, .name = "a"});
  const auto rows = take(RevocationRecord{.made = {4, 0}, .credential = filled_id<CredentialId>(2)});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(
      rows[0],
      (CatalogCredential{
          .id = filled_id<CredentialId>(2), .secret = {}, .revoked = true, .name = "b", .made = {2, 0}}));
  EXPECT_TRUE(is_revoked(2) && !is_revoked(1));
  ASSERT_EQ(book_.tokens().size(), 2u);
  EXPECT_EQ(book_.tokens()[0]->name, "a") << "by id";

  CredentialBook loaded;
  loaded.load({*book_.tokens()[0], *book_.tokens()[1]}, {});
  EXPECT_EQ(*loaded.credential(filled_id<CredentialId>(2)), rows[0]);
}

TEST_F(CredentialBookTest, ARevocationOfNoTokenChangesNothing) {
  (void)take(JoinRecord{
      .made = {}, .invitation = {}, .node = 7, .credential = filled_id<CredentialId>(1), .secret = {}});
  EXPECT_TRUE(take(RevocationRecord{.made = {}, .credential = filled_id<CredentialId>(1)}).empty())
      << "a node's";
  EXPECT_TRUE(take(RevocationRecord{.made = {}, .credential = filled_id<CredentialId>(9)}).empty())
      << "nobody's";
  EXPECT_FALSE(is_revoked(1));
  EXPECT_TRUE(book_.has_credential(7));
  EXPECT_TRUE(book_.tokens().empty());
}

}  // namespace
}  // namespace rb
