--- known: relations of databases that declare none, told from what their tables mean. Those of them that
--- no gold query joins on count neither for nor against what is found.
return {
  academic = {
    "author.oid -> organization.oid", "cite.cited -> publication.pid", "cite.citing -> publication.pid",
    "domain_author.aid -> author.aid", "domain_author.did -> domain.did", "domain_conference.cid -> conference.cid",
    "domain_conference.did -> domain.did", "domain_journal.jid -> journal.jid", "domain_journal.did -> domain.did",
    "domain_keyword.kid -> keyword.kid", "domain_keyword.did -> domain.did",
    "domain_publication.pid -> publication.pid",
    "domain_publication.did -> domain.did", "publication.cid -> conference.cid", "publication.jid -> journal.jid",
    "publication_keyword.pid -> publication.pid", "publication_keyword.kid -> keyword.kid", "writes.aid -> author.aid",
    "writes.pid -> publication.pid",
  },
  yelp = {
    "category.business_id -> business.business_id", "checkin.business_id -> business.business_id",
    "neighbourhood.business_id -> business.business_id", "review.business_id -> business.business_id",
    "tip.business_id -> business.business_id", "review.user_id -> users.user_id", "tip.user_id -> users.user_id",
  },
  broker = {
    "sbdailyprice.sbdptickerid -> sbticker.sbtickerid", "sbtransaction.sbtxcustid -> sbcustomer.sbcustid",
    "sbtransaction.sbtxtickerid -> sbticker.sbtickerid",
  },
}
