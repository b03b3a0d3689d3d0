-- A store of what happened in a web service: uuid keys, names in camel case, columns that point at
-- rows of several tables (a type beside an id). 17 tables, 28 declared
-- relations. What no foreign key can say stands in lines that begin with "-- relation:"; those that hold
-- for some rows only end in the condition.
--
-- relation: "Release"."documentId" -> "Document".id
-- relation: "Event"."subjectId" -> "User".id when "subjectType" = 'user'
-- relation: "Event"."subjectId" -> "Document".id when "subjectType" = 'document'
-- relation: "Event"."subjectId" -> "Workspace".id when "subjectType" = 'workspace'
-- relation: "Comment"."targetId" -> "Document".id when "targetType" = 'document'
-- relation: "Comment"."targetId" -> "Task".id when "targetType" = 'task'
-- relation: "Tagging"."itemId" -> "Document".id when "itemKind" = 'd'
-- relation: "Tagging"."itemId" -> "Task".id when "itemKind" = 't'

CREATE FUNCTION pg_temp.draw(seed text, n int) RETURNS int LANGUAGE sql IMMUTABLE AS
  $$ SELECT (('x' || substr(md5($1), 1, 7))::bit(28)::int % $2) $$;
CREATE FUNCTION pg_temp.key(kind text, i int) RETURNS uuid LANGUAGE sql IMMUTABLE AS
  $$ SELECT md5($1 || ' ' || $2)::uuid $$;
CREATE FUNCTION pg_temp.moment(seed text) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
  $$ SELECT timestamptz '2025-01-01 00:00+00' + pg_temp.draw($1, 2600000) * interval '7 seconds' $$;

CREATE TABLE "Plan" ("slug" text PRIMARY KEY, "monthlyCents" int NOT NULL, "seats" int NOT NULL, "isPublic" boolean NOT NULL);
INSERT INTO "Plan" VALUES ('free', 0, 1, true), ('starter', 900, 5, true), ('team', 4900, 25, true), ('scale', 19900, 200, true),
  ('legacy-pro', 2900, 10, false);

CREATE TABLE "User" (id uuid PRIMARY KEY, "email" text NOT NULL UNIQUE, "displayName" text NOT NULL, "invitedBy" uuid,
  "locale" text NOT NULL, "createdAt" timestamptz NOT NULL, "deletedAt" timestamptz);
INSERT INTO "User" SELECT pg_temp.key('u', i), 'user' || i || '@mail.example', 'User ' || pg_temp.draw('n' || i, 700),
  CASE WHEN i > 20 AND i % 2 = 0 THEN pg_temp.key('u', 1 + pg_temp.draw('i' || i, i - 10)) END, (ARRAY['en', 'de', 'fr'])[1 + i % 3],
  pg_temp.moment('c' || i), CASE WHEN i % 25 = 0 THEN pg_temp.moment('d' || i) END FROM generate_series(1, 1500) AS i;

CREATE TABLE "Workspace" (id uuid PRIMARY KEY, "handle" text NOT NULL UNIQUE, "ownerId" uuid NOT NULL, "planSlug" text NOT NULL,
  "clonedFrom" uuid, "createdAt" timestamptz NOT NULL);
INSERT INTO "Workspace" SELECT pg_temp.key('w', i), 'space-' || i, pg_temp.key('u', 1 + pg_temp.draw('o' || i, 1500)),
  (ARRAY['free', 'free', 'starter', 'team', 'scale', 'legacy-pro'])[1 + pg_temp.draw('p' || i, 6)],
  CASE WHEN i % 9 = 0 THEN pg_temp.key('w', 1 + pg_temp.draw('f' || i, i - 1)) END, pg_temp.moment('wc' || i) FROM generate_series(1, 220) AS i;

CREATE TABLE "Membership" ("workspaceId" uuid NOT NULL, "userId" uuid NOT NULL, "role" text NOT NULL, "since" timestamptz NOT NULL,
  PRIMARY KEY ("workspaceId", "userId"));
INSERT INTO "Membership" SELECT pg_temp.key('w', w), pg_temp.key('u', u), (ARRAY['admin', 'editor', 'viewer'])[1 + pg_temp.draw('r' || w || '/' || u, 3)],
  pg_temp.moment('m' || w || '/' || u) FROM generate_series(1, 220) AS w, generate_series(1, 1500) AS u WHERE pg_temp.draw('x' || w || '/' || u, 90) = 0;

CREATE TABLE "Profile" ("userId" uuid PRIMARY KEY, "bio" text, "avatarFileId" uuid, "birthYear" int);
INSERT INTO "Profile" SELECT pg_temp.key('u', i), 'Bio of ' || i, CASE WHEN i % 3 = 0 THEN pg_temp.key('f', 1 + pg_temp.draw('a' || i, 900)) END,
  1950 + pg_temp.draw('y' || i, 55) FROM generate_series(1, 1500) AS i WHERE i % 5 > 0;

CREATE TABLE "File" (id uuid PRIMARY KEY, "uploadedBy" uuid NOT NULL, "sha1" text NOT NULL, "bytes" bigint NOT NULL, "mime" text NOT NULL);
INSERT INTO "File" SELECT pg_temp.key('f', i), pg_temp.key('u', 1 + pg_temp.draw('uf' || i, 1500)), md5('sha' || i) || '00000000',
  1000 + pg_temp.draw('by' || i, 9000000), (ARRAY['image/png', 'application/pdf', 'text/plain'])[1 + i % 3] FROM generate_series(1, 900) AS i;

CREATE TABLE "Folder" (id uuid PRIMARY KEY, "workspaceId" uuid NOT NULL, "parentFolderId" uuid, "title" text NOT NULL, "position" int NOT NULL);
INSERT INTO "Folder" SELECT pg_temp.key('d', i), pg_temp.key('w', 1 + pg_temp.draw('dw' || i, 220)),
  CASE WHEN i > 300 THEN pg_temp.key('d', 1 + pg_temp.draw('dp' || i, 300)) END, 'Folder ' || i % 61, 1 + i % 12 FROM generate_series(1, 1000) AS i;

CREATE TABLE "Document" (id uuid PRIMARY KEY, "folderId" uuid, "authorId" uuid NOT NULL, "title" text NOT NULL, "wordCount" int NOT NULL,
  "publishedAt" timestamptz);
INSERT INTO "Document" SELECT pg_temp.key('doc', i), CASE WHEN i % 12 > 0 THEN pg_temp.key('d', 1 + pg_temp.draw('df' || i, 1000)) END,
  pg_temp.key('u', 1 + pg_temp.draw('da' || i, 1500)), 'Document ' || i, pg_temp.draw('wc' || i, 6000),
  CASE WHEN i % 2 = 0 THEN pg_temp.moment('pub' || i) END FROM generate_series(1, 4000) AS i;

CREATE TABLE "Revision" ("documentId" uuid NOT NULL, "version" int NOT NULL, "editorId" uuid NOT NULL, "patch" text NOT NULL, "savedAt" timestamptz NOT NULL,
  PRIMARY KEY ("documentId", "version"));
INSERT INTO "Revision" SELECT pg_temp.key('doc', i), v, pg_temp.key('u', 1 + pg_temp.draw('re' || i || '/' || v, 1500)), '@@ ' || md5(i || '/' || v),
  pg_temp.moment('rs' || i || '/' || v) FROM generate_series(1, 4000) AS i, generate_series(1, 1 + i % 3) AS v;

-- which revision is the one that readers see: a pair of columns
CREATE TABLE "Release" ("documentId" uuid NOT NULL, "revisionVersion" int NOT NULL, "channel" text NOT NULL, "releasedAt" timestamptz NOT NULL,
  PRIMARY KEY ("documentId", "channel"));
INSERT INTO "Release" SELECT pg_temp.key('doc', i), 1 + pg_temp.draw('rv' || i || c, 1 + i % 3), c, pg_temp.moment('rl' || i || c)
  FROM generate_series(1, 4000, 3) AS i, unnest(ARRAY['beta', 'stable']) AS c;

CREATE TABLE "Task" (id uuid PRIMARY KEY, "documentId" uuid NOT NULL, "assigneeId" uuid, "createdBy" uuid NOT NULL, "state" text NOT NULL,
  "priority" int NOT NULL, "dueOn" date);
INSERT INTO "Task" SELECT pg_temp.key('t', i), pg_temp.key('doc', 1 + pg_temp.draw('td' || i, 4000)), CASE WHEN i % 4 > 0 THEN
  pg_temp.key('u', 1 + pg_temp.draw('ta' || i, 1500)) END, pg_temp.key('u', 1 + pg_temp.draw('tc' || i, 1500)),
  (ARRAY['open', 'doing', 'done'])[1 + i % 3], 1 + pg_temp.draw('tp' || i, 4), date '2025-02-01' + pg_temp.draw('tu' || i, 300)
  FROM generate_series(1, 2500) AS i;

CREATE TABLE "TaskBlock" ("taskId" uuid NOT NULL, "blockedById" uuid NOT NULL, PRIMARY KEY ("taskId", "blockedById"));
INSERT INTO "TaskBlock" SELECT DISTINCT pg_temp.key('t', i), pg_temp.key('t', 1 + (i + 1 + pg_temp.draw('tb' || i, 900)) % 2500)
  FROM generate_series(1, 2500, 4) AS i;

CREATE TABLE "Comment" (id uuid PRIMARY KEY, "authorId" uuid NOT NULL, "targetType" text NOT NULL, "targetId" uuid NOT NULL, "replyTo" uuid,
  "body" text NOT NULL, "createdAt" timestamptz NOT NULL);
INSERT INTO "Comment" SELECT pg_temp.key('c', i), pg_temp.key('u', 1 + pg_temp.draw('ca' || i, 1500)), CASE WHEN i % 3 > 0 THEN 'document' ELSE 'task' END,
  CASE WHEN i % 3 > 0 THEN pg_temp.key('doc', 1 + pg_temp.draw('cd' || i, 4000)) ELSE pg_temp.key('t', 1 + pg_temp.draw('ct' || i, 2500)) END,
  CASE WHEN i > 500 AND i % 5 = 0 THEN pg_temp.key('c', 1 + pg_temp.draw('cr' || i, i - 1)) END, 'Comment ' || i, pg_temp.moment('cc' || i)
  FROM generate_series(1, 6000) AS i;

CREATE TABLE "Tag" ("label" text PRIMARY KEY, "colour" text NOT NULL);
INSERT INTO "Tag" SELECT t, '#' || substr(md5(t), 1, 6) FROM unnest(ARRAY['urgent', 'idea', 'legal', 'draft', 'q1', 'q2', 'q3', 'bug', 'ux',
  'infra', 'sales', 'hiring', 'press', 'archive', 'risk', 'done', 'open']) AS t;

CREATE TABLE "Tagging" ("tagLabel" text NOT NULL, "itemKind" char(1) NOT NULL, "itemId" uuid NOT NULL, "taggedBy" uuid,
  PRIMARY KEY ("tagLabel", "itemKind", "itemId"));
INSERT INTO "Tagging" SELECT DISTINCT ON (1, 2, 3) (SELECT "label" FROM "Tag" ORDER BY 1 OFFSET pg_temp.draw('tg' || i, 16) LIMIT 1),
  CASE WHEN i % 2 = 0 THEN 'd' ELSE 't' END, CASE WHEN i % 2 = 0 THEN pg_temp.key('doc', 1 + pg_temp.draw('gi' || i, 4000))
  ELSE pg_temp.key('t', 1 + pg_temp.draw('gi' || i, 2500)) END, CASE WHEN i % 5 > 0 THEN pg_temp.key('u', 1 + pg_temp.draw('gu' || i, 1500)) END
  FROM generate_series(1, 3500) AS i;

CREATE TABLE "Session" (id uuid PRIMARY KEY, "userId" uuid NOT NULL, "ip" inet NOT NULL, "userAgent" text NOT NULL, "startedAt" timestamptz NOT NULL,
  "seconds" int NOT NULL);
INSERT INTO "Session" SELECT pg_temp.key('s', i), pg_temp.key('u', 1 + pg_temp.draw('su' || i, 1500)), ('10.' || i % 200 || '.' || i % 7 || '.9')::inet,
  'Agent/' || i % 23, pg_temp.moment('ss' || i), pg_temp.draw('sd' || i, 7200) FROM generate_series(1, 5000) AS i;

CREATE TABLE "Event" ("seq" bigint PRIMARY KEY, "sessionId" uuid, "workspaceId" uuid, "name" text NOT NULL, "subjectType" text NOT NULL,
  "subjectId" uuid NOT NULL, "at" timestamptz NOT NULL, "payload" jsonb);
INSERT INTO "Event" SELECT i, CASE WHEN i % 7 > 0 THEN pg_temp.key('s', 1 + pg_temp.draw('es' || i, 5000)) END,
  CASE WHEN i % 5 > 0 THEN pg_temp.key('w', 1 + pg_temp.draw('ew' || i, 220)) END, (ARRAY['viewed', 'edited', 'shared', 'archived'])[1 + pg_temp.draw('en' || i, 4)],
  (ARRAY['user', 'document', 'workspace'])[1 + i % 3], CASE i % 3 WHEN 0 THEN pg_temp.key('u', 1 + pg_temp.draw('ei' || i, 1500))
  WHEN 1 THEN pg_temp.key('doc', 1 + pg_temp.draw('ei' || i, 4000)) ELSE pg_temp.key('w', 1 + pg_temp.draw('ei' || i, 220)) END,
  timestamptz '2025-01-01 00:00+00' + i * interval '11 minutes', jsonb_build_object('n', i % 13) FROM generate_series(1, 12000) AS i;

ALTER TABLE "User" ADD FOREIGN KEY ("invitedBy") REFERENCES "User";
ALTER TABLE "Workspace" ADD FOREIGN KEY ("ownerId") REFERENCES "User", ADD FOREIGN KEY ("planSlug") REFERENCES "Plan",
  ADD FOREIGN KEY ("clonedFrom") REFERENCES "Workspace";
ALTER TABLE "Membership" ADD FOREIGN KEY ("workspaceId") REFERENCES "Workspace", ADD FOREIGN KEY ("userId") REFERENCES "User";
ALTER TABLE "Profile" ADD FOREIGN KEY ("userId") REFERENCES "User", ADD FOREIGN KEY ("avatarFileId") REFERENCES "File";
ALTER TABLE "File" ADD FOREIGN KEY ("uploadedBy") REFERENCES "User";
ALTER TABLE "Folder" ADD FOREIGN KEY ("workspaceId") REFERENCES "Workspace", ADD FOREIGN KEY ("parentFolderId") REFERENCES "Folder";
ALTER TABLE "Document" ADD FOREIGN KEY ("folderId") REFERENCES "Folder", ADD FOREIGN KEY ("authorId") REFERENCES "User";
ALTER TABLE "Revision" ADD FOREIGN KEY ("documentId") REFERENCES "Document", ADD FOREIGN KEY ("editorId") REFERENCES "User";
ALTER TABLE "Release" ADD FOREIGN KEY ("documentId", "revisionVersion") REFERENCES "Revision";
ALTER TABLE "Task" ADD FOREIGN KEY ("documentId") REFERENCES "Document", ADD FOREIGN KEY ("assigneeId") REFERENCES "User",
  ADD FOREIGN KEY ("createdBy") REFERENCES "User";
ALTER TABLE "TaskBlock" ADD FOREIGN KEY ("taskId") REFERENCES "Task", ADD FOREIGN KEY ("blockedById") REFERENCES "Task";
ALTER TABLE "Comment" ADD FOREIGN KEY ("authorId") REFERENCES "User", ADD FOREIGN KEY ("replyTo") REFERENCES "Comment";
ALTER TABLE "Tagging" ADD FOREIGN KEY ("tagLabel") REFERENCES "Tag", ADD FOREIGN KEY ("taggedBy") REFERENCES "User";
ALTER TABLE "Session" ADD FOREIGN KEY ("userId") REFERENCES "User";
ALTER TABLE "Event" ADD FOREIGN KEY ("sessionId") REFERENCES "Session", ADD FOREIGN KEY ("workspaceId") REFERENCES "Workspace";
ANALYZE;
