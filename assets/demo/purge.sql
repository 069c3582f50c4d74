-- Messages older than the retention time go, with their attachments; mailboxes under legal hold keep theirs.
DELETE FROM mail.message AS m
 WHERE m.received < '2019-01-01'
   AND NOT EXISTS (SELECT FROM mail.legal_hold AS h WHERE h.mailbox_id = m.mailbox_id);
