-- Stand-ins: one to one, the same whichever way they are come by, of their class's form; columns are taken for what they hold.
local anon = require "nlsql.anon"
local catalog = require "nlsql.catalog"
local classes = require "nlsql.anon.classes"
local dates = require "nlsql.anon.dates"
local digits = require "nlsql.anon.digits"
local json = require "nlsql.json"
local keyed = require "nlsql.keyed"
local labels = require "nlsql.anon.labels"
local names = require "nlsql.anon.names"
local pg = require "nlsql.pg"
local shop = require "tests.lua.shop"
local shapes = require "nlsql.anon.shapes"
local support = require "tests.lua.support"

local SECRET = ("secret:)"):rep(4)
local key = assert(keyed.open(SECRET))

--- The i-th value of each class, all different.
local VALUES = {
  person = function(i)
    local function letters(n) return string.char(97 + n % 26, 97 + n // 26 % 26) end
    return ("Anna%s Berg%s"):format(letters(i), letters(i // 676))
  end,
  email = function(i) return ("anna.%d@firm%d.test"):format(i, i % 7) end,
  phone = function(i) return ("+49 (%d) %07d"):format(30 + i % 10, i) end,
  address = function(i) return ("%d Linden Street"):format(i) end,
  city = function(i) return ("Newtown%d on Sea"):format(i) end,
  company = function(i) return ("Acme%d Tools GmbH"):format(i) end,
  url = function(i) return ("https://site%d.test/a/%d?q=%d"):format(i % 11, i // 3, i) end,
  ip = function(i) return ("%d.%d.%d.%d"):format(1 + i // 65536, i // 256 % 256, i % 256, 9) end,
  uuid = function(i) return ("123e4567-e89b-42d3-a456-%012x"):format(i) end,
  card = function(i)
    local body = ("4%014d"):format(i)
    for d = 0, 9 do
      if digits.is_card(body .. d) then return body .. d end
    end
  end,
  code = function(i) return ("ORD-%06d"):format(i) end,
  mac = function(i) return ("08:00:2b:%02x:%02x:%02x"):format(i // 65536, i // 256 % 256, i % 256) end,
  text = function(i) return ("the customer number %d was not amused"):format(i) end,
  withheld = function(i) return "x" .. i end,
}

--- What a stand-in of the class looks like.
local FORMS = {
  person = "^%u%l+ %u%l+$", email = "^%l+%.%d+@%l+%.example$", phone = "^%+000%d%d %(%d%d%) %d%d%d%d%d%d%d$",
  address = "^%d+ %u%l+ %u%l+$", city = "^%u%l+%d+ %l+ %u%l+$", company = "^%u%l+%d+ %u%l+ GmbH$",
  url = "^https://%l+%.example/%l+/?%l*/?%l*$", ip = "^%d+%.%d+%.%d+%.%d+$",
  uuid = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$", card = "^4%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d$",
  code = "^X%u%u%u%-%d%d%d%d%d%d$", mac = "^%x%x:%x%x:%x%x:%x%x:%x%x:%x%x$", text = "^%l+ %l+ %l+ %d+ %l+ %l+ %l+$",
  withheld = "^%(%l+%)$",
}

--- A stand-in maker over no database.
local function bare(secret)
  local self = anon.open({}, { edges = function() return {} end, names = function() return {} end }, secret or SECRET, {})
  local decision
  self.decision = function() return decision end
  return function(class, value)
    decision = { class = class, why = "" }
    return self:value("t", "c", value)
  end, self
end

describe("stand-ins", function()
  local MANY = 3000

  for _, class in ipairs { "person", "email", "phone", "address", "city", "company", "url", "ip", "uuid", "card", "code", "mac", "text",
    "withheld" } do
    it("are one to one and no real value, of their form, the same in any order: " .. class, function()
      local make, self = bare()
      local seen, real, first = {}, {}, {}
      for i = 1, MANY do real[VALUES[class](i)] = true end
      for i = 1, MANY do
        local value = VALUES[class](i)
        local other = make(class, value)
        if seen[other] or real[other] or not other:find(FORMS[class]) or self:real(other) ~= value then
          error(("%s became %s"):format(value, other)) -- no assert of its own: they are many
        end
        seen[other], first[i] = true, other
      end
      assert.equal(0, self.clashes)
      local again = bare()
      local same = 0
      for i = MANY, 1, -1 do
        if first[i] == again(class, VALUES[class](i)) then same = same + 1 end
      end
      assert.equal(MANY, same)
      local elsewhere = bare(("other :("):rep(4))
      same = 0
      for i = 1, 200 do
        if elsewhere(class, VALUES[class](i)) == first[i] then same = same + 1 end
      end
      assert.equal(0, same)
    end)
  end

  it("that meet give way, and then come back to their own value", function()
    local make, self = bare()
    local of = shapes.of
    shapes.of = function(k, class, value, try) return try < 2 and "Same Same" or of(k, class, value, try) end
    local a, b = make("person", "Anna Berg"), make("person", "Bert Cohn")
    shapes.of = of
    assert.not_equal(a, b)
    assert.same({ "Anna Berg", "Bert Cohn" }, { self:real(a), self:real(b) })
    assert.is_true(self.clashes > 0)
  end)

  it("are never the real value of another that was there before", function()
    local make = bare()
    local other = make("person", "Anna Berg")
    local fresh, self = bare()
    fresh("person", other) -- somebody who is called so
    assert.not_equal(other, fresh("person", "Anna Berg"))
    assert.equal(1, self.clashes)
  end)

  it("keep the letter case, the number of words and the punctuation", function()
    local function of(class, value) return shapes.of(key, class, value) end
    assert.truthy(of("person", "BERG, Anna M."):find("^%u%u+, %u%l+ %u%l*%.$"), of("person", "BERG, Anna M."))
    assert.truthy(of("person", "Émile Zola"):find("^%u%l+ %u%l+$"), of("person", "Émile Zola"))
    assert.truthy(of("person", "山田太郎"):find("^%l+$"))
    assert.equal(of("email", "Anna@Mail.test"):lower(), of("email", "anna@mail.test"))
    assert.equal(of("email", "a.b@mail.test"):match("@.*"), of("email", "c.d@mail.test"):match("@.*"))
    assert.equal(of("email", "a.b@mail.test"):match("@(.*)"), of("url", "http://mail.test"):match("//(.*)"))
    assert.equal(of("uuid", ("AB"):rep(4) .. "-0000-4000-8000-" .. ("F"):rep(12)), of("uuid", ("AB"):rep(4) .. "-0000-4000-8000-" .. ("F"):rep(12)):upper())
    assert.equal("-", of("text", "-"))
    assert.equal("", of("person", ""))
    local long = of("text", ("word "):rep(4000))
    assert.is_true(#long < 200, #long)
  end)

  it("of card numbers have a right check digit, and the separators of the number", function()
    for _, value in ipairs { "4111 1111 1111 1111", "5500-0000-0000-0004", "340000000000009" } do
      local other = shapes.of(key, "card", value)
      assert.is_true(digits.is_card((other:gsub("%D", ""))), other)
      assert.equal((value:gsub("%d", "9")), (other:gsub("%d", "9")))
      assert.equal(value:sub(1, 1), other:sub(1, 1))
    end
  end)

  it("of amounts keep length, sign and two digits, and are one to one", function()
    local seen = {}
    for i = 1000, 9999 do
      local value = ("%d.%02d"):format(i // 100, i % 100)
      local other = shapes.of(key, "amount", value)
      assert.equal(value:sub(1, 2), other:sub(1, 2))
      assert.equal(#value, #other)
      assert.is_nil(seen[other], other)
      assert.not_equal(value, other)
      seen[other] = true
    end
    for value, form in pairs { ["-1234.50"] = "^%-12%d%d%.%d%d$", ["0.00012345"] = "^0%.00012%d%d%d$", ["1.2345e+30"] = "^1%.2%d%d%de%+30$",
      ["$1,234.00"] = "^%$1,2%d%d%.%d%d$", ["7"] = "^7$", ["99"] = "^99$", ["NaN"] = "^NaN$", ["0"] = "^0$", ["0.05"] = "^0%.05$" } do
      assert.truthy(shapes.of(key, "amount", value):find(form), value .. " " .. shapes.of(key, "amount", value))
    end
    assert.truthy(shapes.of(key, "coordinate", "52.520008"):find("^52%.%d%d%d%d%d%d$"))
  end)

  it("of dates stay in their month, of times in their hour, and are one to one", function()
    for month = 1, 12 do
      local seen = {}
      for day = 1, ({ 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 })[month] do
        local value = ("2024-%02d-%02d"):format(month, day)
        local other = assert(dates.shift(key, value))
        assert.equal(value:sub(1, 8), other:sub(1, 8))
        assert.not_equal(value, other)
        assert.is_nil(seen[other])
        seen[other] = true
      end
    end
    local seen = {}
    for minute = 0, 59 do
      for _, hour in ipairs { "00", "17" } do
        local other = assert(dates.shift(key, ("2023-02-28 %s:%02d:00.5+02"):format(hour, minute)))
        assert.truthy(other:find("^2023%-02%-%d%d " .. hour .. ":%d%d:00%.5%+02$"), other)
        assert.is_nil(seen[other])
        seen[other] = true
      end
    end
    assert.truthy(dates.shift(key, "2024-05-05 00:00:00"):find(" 00:00:00$"))
    assert.equal("infinity", dates.shift(key, "infinity"))
    assert.truthy(dates.shift(key, "0044-03-15 BC"):find("^0044%-03%-%d%d BC$"))
    for _, odd in ipairs { "15.03.2024", "2024-13-01", "2024-02-31", "soon" } do assert.is_nil(dates.shift(key, odd)) end
    assert.truthy(shapes.of(key, "date", "15.03.2024"):find("^%("))
  end)
end)

describe("a column's class comes from", function()
  for _, case in ipairs {
    { "email", "customer", "email" }, { "work_email_address", "t", "email" }, { "EmailAddress2", "t", "email" },
    { "email_verified", "t", nil }, { "email_status", "t", nil }, { "phone_no", "t", "phone" }, { "phone_type", "t", nil },
    { "ip_address", "t", "ip" }, { "address", "t", "address" }, { "address_id", "t", nil }, { "billing_address", "t", "address" },
    { "first_name", "t", "person" }, { "name", "customers", "person" }, { "name", "supplier", "company" }, { "name", "product", nil },
    { "customer_name", "orders", "person" }, { "product_name", "orders", nil }, { "title", "product", nil }, { "customer", "orders", "person" },
    { "company", "t", "company" }, { "website", "t", "url" }, { "credit_card_number", "t", "card" }, { "iban", "t", "code" },
    { "password_hash", "t", "withheld" }, { "latitude", "t", "coordinate" }, { "City", "t", "city" }, { "zip", "t", "address" },
    { "quantity", "t", nil }, { "status", "t", nil }, { "description", "t", nil }, { "PostalCode", "t", "address" },
  } do
    it(("its name: %s of %s is %s"):format(case[1], case[2], case[3] or "nothing"), function()
      assert.equal(case[3], (names.class(case[1], case[2])))
    end)
  end

  it("its comment, where that is about the value itself", function()
    assert.equal("email", names.of_comment("e-mail address for invoices"))
    assert.equal("phone", names.of_comment("The telephone number"))
    assert.equal("person", names.of_comment("name of the patient"))
    for _, other in ipairs { "whether the e-mail address was confirmed", "number of e-mails sent", "what it is about", "" } do
      assert.is_nil(names.of_comment(other), other)
    end
  end)

  it("labels of PostgreSQL Anonymizer", function()
    for label, class in pairs {
      ["MASKED WITH FUNCTION anon.fake_email()"] = "email", ["MASKED WITH FUNCTION anon.fake_last_name()"] = "person",
      ["MASKED WITH FUNCTION anon.partial(phone,2,$$***$$,2)"] = "text", ["masked  with function anon.random_phone('0')"] = "phone",
      ["MASKED WITH VALUE 'x'"] = "withheld", ["MASKED WITH VALUE NULL"] = "withheld", ["NOT MASKED"] = "keep",
      ["MASKED WITH FUNCTION anon.partial_email(email)"] = "email", ["MASKED WITH FUNCTION anon.dnoise(d, '1 year')"] = "date",
      ["MASKED WITH FUNCTION anon.noise(salary, 0.2)"] = "amount", ["MASKED WITH FUNCTION my.own(x)"] = "text",
      ["MASKED WITH FUNCTION pg_catalog.md5(x)"] = "text", ["MASKED WITH FUNCTION anon.fake_address()"] = "address",
    } do
      assert.equal(class, (labels.class(label)), label)
      assert.truthy(classes.ALL[class])
    end
    assert.same({ nil, nil }, { labels.class("QUASI IDENTIFIER") })
    local class, why = labels.class("MASKED BY MAGIC")
    assert.is_nil(class)
    assert.truthy(why:find("cannot be read", 1, true))
  end)
end)

describe("on a database", function()
  local db, schema

  setup(function()
    db = assert(pg.open(support.database("anon", { "tests/data/anon.sql" }), { sessions = 4 }))
    schema = assert(catalog.load(db))
  end)
  teardown(function() db:close() end)

  local function open(anonymise, secret) return anon.open({ anonymise = anonymise }, schema, secret or SECRET, db) end
  local function rows(self, query, literals) return self:rows(assert(db:query(query)), literals).rows end

  it("each column has its class", function()
    local self = open()
    local want = {
      login = "person", full_name = "person", contact = "email", mobile = "phone", born = "date", card = "code", ip = "ip",
      home = "text", token_id = "uuid", mood = "keep", plan = "keep", remark = "text", profile = "document",
      nicknames = "text", balance = "amount", seen_at = "date", picture = "withheld", search = "withheld",
      notes_xml = "withheld", stay = "withheld", masked = "email", amount = "keep", plainly = "withheld",
    }
    want.card = nil -- 16 digits without a check digit, most of them
    for column, class in pairs(want) do assert.equal(class, self:decision("account", column).class, column) end
    assert.equal("person", self:decision("visit", "who").class) -- as account.login, to which it refers
    assert.equal("city", self:decision("visit", "city").class) -- two that come again, but a name that tells
    assert.equal("keep", self:decision("visit", "channel").class)
    assert.equal("keep", self:decision("visit", "visit_id").class)
    assert.equal("text", self:decision("late", "word").class) -- 1,000 of one value first
  end)

  it("a view's text is kept only where a table keeps a column of that name", function()
    local self = open()
    local got = {}
    for _, column in ipairs(schema:table("overview").columns) do got[column.name] = self:decision("overview", column.name).class end
    assert.same({ plan = "keep", story = "text", channel = "keep", loud = "text", who = "text" }, got)
  end)

  it("joins still join, in rows that were fetched apart", function()
    local self = open()
    local logins, n, raw = {}, 0, 0
    for _, row in ipairs(rows(self, "SELECT login FROM account ORDER BY login DESC")) do logins[row[1]] = true end
    local visits = rows(self, "SELECT who FROM visit ORDER BY visit_id")
    for _, row in ipairs(visits) do
      if logins[row[1]] then n = n + 1 end
      if row[1]:find("^user%d") then raw = raw + 1 end
    end
    assert.same({ 900, 0 }, { n, raw })
  end)

  it("nothing that is protected is left in what goes out", function()
    local self = open()
    for _, ref in ipairs(schema:names()) do
      for _, row in ipairs(rows(self, "SELECT * FROM " .. ref)) do
        local line = assert(json.encode(row))
        assert.is_nil(self.protected:find(line), line)
        for _, part in ipairs { "Anna", "Berg", "mail.test", "Lindenweg", "Called", "Hamburg", "Person number", "Ann1", "hidden1" } do
          assert.falsy(line:find(part, 1, true), line)
        end
      end
    end
    assert.is_true(#self.protected > 1000)
  end)

  it("the server takes stand-ins for values of their types", function()
    local self = open()
    local list = rows(self, "SELECT ip, token_id, born, seen_at, balance, profile, nicknames FROM account LIMIT 50")
    for _, row in ipairs(list) do
      assert(db:query("SELECT $1::inet, $2::uuid, $3::date, $4::timestamptz, $5::numeric, $6::jsonb, $7::text[]", row))
      local profile, names_of = json.decode(row[6]), row[7]
      assert.truthy(profile.email:find("^%l+%d+@%l+%.example$"), row[6])
      assert.is_boolean(profile.vip)
      assert.is_number(profile.visits)
      local n = 0
      for member in pairs(profile) do
        n = n + 1
        assert.falsy(member:find("Secret", 1, true), member)
      end
      assert.equal(5, n)
      assert.truthy(names_of:find("^{.+,.+,NULL}$"), names_of)
    end
  end)

  it("an expression's text never goes out as it is, but for what the query says itself", function()
    local self = open()
    local query = "SELECT upper(plan), plan || '!', coalesce(remark, 'none'), count(*) AS n, max(balance), min(born), bool_or(vip), "
      .. "CASE WHEN plan = 'basic' THEN 'cheap' ELSE 'dear' END, date_trunc('month', min(seen_at)), min(mood) FROM "
      .. "(SELECT *, true AS vip FROM account) AS a GROUP BY plan, remark ORDER BY plan, remark LIMIT 3"
    local got = rows(self, query, { "basic", "cheap", "dear", "none", "!", "month" })[1]
    local real = assert(db:query(query)).rows[1]
    for _, c in ipairs { 1, 2, 3 } do assert.not_equal(real[c], got[c]) end
    assert.equal(real[4], got[4]) -- a count
    assert.not_equal(real[5], got[5])
    assert.not_equal(real[6], got[6])
    for _, c in ipairs { 7, 8, 9, 10 } do assert.equal(real[c], got[c]) end
    -- a UNION has no origin; a subquery and a CTE keep theirs
    assert.not_equal("basic", rows(self, "SELECT plan FROM account UNION SELECT channel FROM visit ORDER BY 1")[1][1])
    assert.equal("basic", rows(self, "WITH a AS (SELECT plan FROM account) SELECT plan FROM (SELECT * FROM a) AS b ORDER BY 1")[1][1])
  end)

  it("config has the last word, before labels", function()
    local self = open { columns = { ["account.full_name"] = "keep", ["*.masked"] = "keep", ["Account.Home"] = "address" },
      amounts = "keep", dates = "keep" }
    local row = rows(self, "SELECT full_name, masked, home, balance, born, contact FROM account WHERE login = 'user1x'")[1]
    assert.same({ "Anna1 Berg", "hidden1" }, { row[1], row[2] })
    assert.equal("address", self:decision("account", "home").class)
    assert.same({ "1000.25", "1960-02-01" }, { row[4], row[5] })
    assert.truthy(row[6]:find("%.example$"), row[6])
    assert.equal("2600065.0000000000", rows(self, "SELECT 2600065.0000000000::numeric")[1][1])
    for _, raw in ipairs { false, "off" } do
      local off = open(raw)
      assert.equal("anna1@mail.test", rows(off, "SELECT contact FROM account WHERE login = 'user1x'")[1][1])
      assert.is_true(off:raw())
    end
  end)

  it("what a value becomes hangs on no order, table or neighbour", function()
    local a, b = open(), open()
    local one = rows(a, "SELECT * FROM account ORDER BY login")
    rows(b, "SELECT * FROM visit")
    rows(b, "SELECT contact, full_name FROM account ORDER BY full_name DESC LIMIT 7")
    local two = rows(b, "SELECT * FROM account ORDER BY login DESC")
    for i = 1, #one do assert.same(one[i], two[#two + 1 - i]) end
  end)

  it("where the database does not answer, text is closed", function()
    local lost = { query = function() return nil, "gone", "net" end }
    local self = anon.open({}, schema, SECRET, lost)
    assert.equal("text", self:decision("account", "plan").class)
    assert.is_nil(self.policy.decided.account) -- it is asked again
    self.policy.db = db
    assert.equal("keep", self:decision("account", "plan").class)
  end)
end)

describe("a list that others refer to", function()
  --- Lists of 12 names, to each of which 20 rows refer, but for what is said.
  local LISTS = {
    genre = { kept = true }, wards = { columns = "ward_name text", kept = true },
    state = { columns = "label text, code text, last_update timestamp DEFAULT now(), active boolean, position int" },
    status = { columns = "label text, last_update timestamp DEFAULT now(), active boolean", kept = true },
    project = { columns = "name text, budget numeric DEFAULT 1" }, department = { columns = "name text, mail_address text" },
    agent = {}, village = { columns = "name text" }, fellow = { columns = "motto text" }, team = { comment = "The names of the members of the crew" },
    club = { names = "(ARRAY['Anna Berg', 'Öde Müller', 'Eva Ö. Braun', 'Jo O''Hara'])[1 + i % 4] || repeat('a', i)" },
    colour = { rows = 13 }, brand = { n = 60 }, unused = { rows = 0 },
  }

  it("is an enum of its own, and whatever could be people, or says more, is none", function()
    local dir, lines, wanted = support.temp_dir(), {}, {}
    for name, list in pairs(LISTS) do
      local columns, n = list.columns or "name text", list.n or 12
      lines[#lines + 1] = ("CREATE TABLE %s (%s_id int PRIMARY KEY, %s);\nINSERT INTO %s SELECT i, %s FROM generate_series(1, %d) i;"):format(
        name, name, columns, name, list.names or "'Quality ' || chr(96 + i % 26) || i", n)
      lines[#lines + 1] = ("CREATE TABLE has_%s (id int PRIMARY KEY, %s_id int REFERENCES %s);\n"
        .. "INSERT INTO has_%s SELECT i, 1 + i %% %d FROM generate_series(1, %d) i;"):format(name, name, name, name, n, list.rows or n * 20)
      if list.comment then lines[#lines + 1] = ("COMMENT ON TABLE %s IS '%s';"):format(name, list.comment) end
      wanted[name] = list.kept and "keep" or "closed"
    end
    support.write(dir .. "/lists.sql", table.concat(lines, "\n"))
    local db <close> = assert(pg.open(support.database("lists", { dir .. "/lists.sql" }), {}))
    local schema = assert(catalog.load(db))
    local self, got = anon.open({ anonymise = true }, schema, SECRET, db), {}
    for name in pairs(LISTS) do
      local class = self:decision(name, schema:table(name).columns[2].name).class
      got[name] = class == "keep" and class or classes.PROTECTED[class] and "closed" or class
    end
    assert.same(wanted, got)
    self:value("genre", "name", "Quality a1")
    self:value("project", "name", "Quality b2")
    assert.is_nil(self.protected:find("What is of Quality a1?"))
    assert.equal("Quality b2", (self.protected:find("What is of Quality b2?")))
    os.execute("rm -rf " .. dir)
  end)
end)

describe("on the demo database", function()
  it("nothing raw is left among what is protected, and keys still join", function()
    local db <close> = assert(pg.open(support.demo(), { sessions = 2 }))
    local schema = assert(catalog.load(db))
    local self = anon.open({}, schema, SECRET, db)
    local shown = {}
    for _, ref in ipairs(schema:names()) do
      local got = self:rows(assert(db:query(("SELECT * FROM %s LIMIT 200"):format(ref))))
      for _, row in ipairs(got.rows) do shown[#shown + 1] = assert(json.encode(row)) end
    end
    for _, line in ipairs(shown) do assert.is_nil(self.protected:find(line), line) end
    assert.equal(0, self.clashes)
    assert.is_true(#self.protected > 500)
    for _, edge in ipairs(schema:edges()) do
      local parent = self:decision(edge.to, edge.referred_columns[1]).class
      assert.equal(parent, self:decision(edge.from, edge.columns[1]).class, edge.from .. " " .. edge.columns[1])
    end
  end)
end)

describe("a run", function()
  local dir
  before_each(function() dir = support.temp_dir() end)
  after_each(function() os.execute("rm -rf " .. dir) end)

  local function nlsql(folder, ...)
    return support.nlsql(folder, { ... }, { DATABASE_URL = support.database("anon", { "tests/data/anon.sql" }) })
  end

  it("has the same stand-ins after a resume, and others with --fresh", function()
    local file = dir .. "/generated_datasets/sample_data/dataset.jsonl"
    local code, _, err = nlsql(dir, "run", "sample_data")
    assert.equal(0, code, err)
    local before = support.read(file)
    assert.truthy(before:find("@%l+%.example"), before)
    assert.falsy(before:find("Anna1 Berg", 1, true))
    -- another run of the store has the same secret
    assert.equal(0, (nlsql(dir, "run", "sample_data", "--run-version", "two")))
    assert.equal(before, support.read(dir .. "/generated_datasets/sample_data/dataset_two.jsonl"))
    assert.equal(0, (nlsql(dir, "run", "sample_data", "--fresh")))
    assert.not_equal(before, support.read(file))
    -- the secret is nowhere to be read but in the store
    for line in assert(io.popen("grep -rlaE 'secret' " .. dir .. " --include=*.log --include=*.jsonl || true")):lines() do
      error("the secret is spoken of in " .. line)
    end
  end)

  it("has the same prompts and the same rows whatever the parallelism", function()
    local url = shop.url()
    local function named(n)
      return { question = ("Who bought something before purchase %d?"):format(n), sql = ("SELECT DISTINCT c.name, c.country, lower(c.name) AS low "
        .. "FROM customer c JOIN purchase p USING (customer_id) WHERE p.purchase_id < %d ORDER BY c.name LIMIT 5"):format(n) }
    end
    local function sold(n)
      return { question = ("Which products were sold in purchase %d?"):format(n), sql = ("SELECT p.title, l.quantity FROM product p "
        .. "JOIN purchase_line l USING (product_id) WHERE l.purchase_id = %d ORDER BY p.title"):format(n) }
    end
    local rules = support.write_json_lines(dir .. "/rules.jsonl", { shop.sets({ "customer", "purchase" }, { "product", "purchase_line" }),
      { match = "people who bought something", pairs = { named(50), named(60) } }, { match = "Product|title", pairs = { sold(3), sold(4) } },
      { pairs = { sold(7), sold(8) } } })
    local first = dir .. "/first"
    os.execute("mkdir " .. first)
    assert.equal(0, (support.nlsql(first, { "run", "sample_data" }, { DATABASE_URL = url }))) -- there is a secret now
    local seen = {}
    for _, parallel in ipairs { "1", "8" } do
      local own, log = dir .. "/" .. parallel, dir .. "/log" .. parallel
      os.execute(("cp -r %s %s"):format(first, own))
      local endpoint = support.endpoint { "--log", log, "--script", rules }
      local code, out, err = support.nlsql(own, { "run", "joins", "--count", "2", "--set", "total_table_pairs=4", "--set",
        "dataset_fields=rows", "--parallelism", parallel }, { DATABASE_URL = url, OPENAI_BASE_URL = endpoint.url })
      endpoint.stop()
      local prompts = support.lines(log)
      for i, line in ipairs(prompts) do prompts[i] = assert(json.decode(line)).body end
      table.sort(prompts)
      seen[#seen + 1] = { support.read(own .. "/generated_datasets/joins/dataset.jsonl"), table.concat(prompts, "\n"), code, out .. err }
    end
    assert.is_true(seen[1][1] == seen[2][1], "the datasets differ")
    assert.is_true(seen[1][2] == seen[2][2], "the prompts differ")
    assert.truthy(seen[1][1]:find('"rows":[{"name":"', 1, true), seen[1][4])
    for _, part in ipairs { "Customer 1", "customer 1", "Product 1", "Customer 2" } do
      assert.falsy(seen[1][1]:find(part, 1, true) or seen[1][2]:find(part, 1, true), part)
    end
  end)

  it("has rows with stand-ins of the offline grammar too, whatever its types", function()
    support.write(dir .. "/config.yaml", "defaults: {dataset_fields: [rows, literals]}\n")
    local code, out, err = support.nlsql(dir, { "run", "single_table", "--provider", "offline", "--count", "8" }, { DATABASE_URL = support.demo() })
    assert.is_true(code == 0 or code == 7, err)
    assert.falsy(err:find("warn: item", 1, true), err)
    assert.truthy(out:find("of 176 pairs", 1, true), out)
    local n = 0
    for _, row in ipairs(shop.dataset(dir, "single_table")) do n = n + (row.rows and #row.rows or 0) end
    assert.is_true(n > 100)
  end)

  it("shows with schema --anon what it would do, before anything is sent", function()
    local code, out, err = nlsql(dir, "schema", "--anon", "--tables", "account")
    assert.equal(0, code, err)
    assert.truthy(out:find("\n  contact%s+text%s+email%s+200 of 200 values look like e%-mail addresses\n"), out)
    assert.truthy(out:find("\n  masked%s+text%s+email%s+SECURITY LABEL: MASKED WITH FUNCTION anon%.fake_email%(%)\n"), out)
    assert.truthy(out:find("\n  plan%s+text%s+keep%s+3 values that come again and again\n"), out)
    assert.falsy(out:find("anna1@mail.test", 1, true))
    code, out, err = nlsql(dir, "schema", "--anon", "--format", "json", "--tables", "visit")
    assert.equal(0, code, err)
    assert.equal("as account.login", json.decode(out:match("\n({[^\n]*\"who\"[^\n]*})\n")).why)
    support.write(dir .. "/config.yaml", "anonymise:\n  columns:\n    acount.contact: email\n    account.contct: email\n    '*.nosuch*': keep\n")
    code, out, err = nlsql(dir, "schema", "--anon")
    assert.equal(3, code, out)
    assert.truthy(err:find("config.yaml:3:21: anonymise.columns: there is no table acount (did you mean account?)", 1, true), err)
    assert.truthy(err:find("config.yaml:4:21: anonymise.columns: table account has no column contct (did you mean contact?)", 1, true), err)
    assert.truthy(err:find("config.yaml:5:18: anonymise.columns: no column matches *.nosuch*", 1, true), err)
  end)
end)
