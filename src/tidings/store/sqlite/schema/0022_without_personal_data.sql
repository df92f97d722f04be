-- Of what a shaped attempt has sent: whether it was made without personal data. To a webhook that
-- wants none nothing else is sent again.
ALTER TABLE sent ADD COLUMN without_personal_data INTEGER NOT NULL DEFAULT 0;
