// Redeeming an invitation: the one request that is made before there is a credential.
#pragma once

#include "api/join_link.h"
#include "net/remote_store.h"

namespace rb::net {

// Contacts the server that the link names; the secrets leave only once it has shown the key that the link
// pins. Repeated while the server does not answer, as all requests are: the server answers the same
// invitation with the same credential alike. `base` gives patience, notices and the like; where to go and
// whom to trust comes from the link.
//
// Errc::denied: the server has another key, or refuses the invitation (and says why); Errc::unavailable: it
// can't be reached.
Result<JoinAnswer> remote_join(const api::JoinLink& link, const Credential& credential, RemoteOptions base);

}  // namespace rb::net
