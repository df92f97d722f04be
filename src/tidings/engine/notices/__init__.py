"""What orgs and owners of webhooks are told: operational events and e-mails."""
