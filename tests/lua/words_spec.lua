-- English for names, comments and days.
local dates = require "nlsql.grammar.dates"
local words = require "nlsql.grammar.words"

local function each(cases, f)
  for _, case in ipairs(cases) do
    it(("%q → %q"):format(case[1], tostring(case[2])), function() assert.equal(case[2], f(case[1])) end)
  end
end

describe("words.humanise", function()
  each({
    { "order_date", "order date" }, { "OrderDate", "order date" }, { "Order Date", "order date" }, { "customerId", "customer ID" },
    { "qty_on_hand", "quantity on hand" }, { "HTTPCode2", "http code2" }, { "tbl_users", "users" }, { "length_cm", "length in cm" },
    { "cm", "cm" }, { "amount_in_kg", "amount in kg" }, { "dob", "date of birth" },
  }, words.humanise)
end)

describe("words.date_of", function()
  each({
    { "sold at", "sale date" }, { "created on", "creation date" }, { "last seen at", "last seen date" }, { "order date", "order date" },
    { "email verified at", "email verification date" },
  }, words.date_of)
end)

describe("words.plural", function()
  each({
    { "order", "orders" }, { "category", "categories" }, { "day", "days" }, { "box", "boxes" }, { "status", "statuses" },
    { "address", "addresses" }, { "person", "people" }, { "media type", "media types" }, { "date of birth", "dates of birth" },
    { "series", "series" }, { "sales person", "sales people" }, { "branch", "branches" },
  }, words.plural)
end)

describe("words.singular", function()
  each({
    { "orders", "order" }, { "categories", "category" }, { "boxes", "box" }, { "addresses", "address" }, { "status", "status" },
    { "people", "person" }, { "news", "news" }, { "order lines", "order line" }, { "analysis", "analysis" }, { "cases", "case" },
    { "classes", "class" }, { "movies", "movie" },
  }, words.singular)
end)

describe("words.a", function()
  each({
    { "order", "an order" }, { "customer", "a customer" }, { "hour", "an hour" }, { "unit price", "a unit price" },
    { "user", "a user" }, { "EU member", "an EU member" }, { "unknown", "an unknown" }, { "ID", "an ID" },
  }, words.a)
end)

describe("words.countable", function()
  each({ { "inventory", "inventory item" }, { "staff", "staff member" }, { "customer", "customer" }, { "store stock", "store stock item" } },
    words.countable)
end)

describe("words.is_plural", function()
  each({ { "units in stock", true }, { "lumens", true }, { "address", false }, { "status", false }, { "date of birth", false },
    { "number of votes", false }, { "series", false }, { "weight in grams", false } }, words.is_plural)
end)

describe("words.all and words.any", function()
  it("put commas and the last word", function()
    assert.equal("a, b and c", words.all { "a", "b", "c" })
    assert.equal("a or b", words.any { "a", "b" })
    assert.equal("a", words.all { "a" })
    assert.equal("", words.all {})
  end)
end)

describe("words.noun_phrase", function()
  each({
    { "weight, in grams", "weight" }, { "order date; when it was placed", "order date" }, { "The customer's name", "customer's name" },
    { "An order, from any channel.", "order" }, { "VAT number", "VAT number" }, { "Amount paid", "amount paid" },
  }, function(comment) return words.noun_phrase(comment, 4) end)

  it("refuses what is no short noun phrase", function()
    for _, comment in ipairs { "Is the account active?", "foreign key to customer", "the number of times that it was seen on the site",
      "", "42", "{json}", "see wiki" } do
      assert.is_nil(words.noun_phrase(comment, 4), comment)
    end
    assert.is_nil(words.noun_phrase(nil, 4))
  end)
end)

describe("dates", function()
  it("count days, over leap years and centuries", function()
    assert.equal("2020-03-01", dates.plus("2020-02-28", 2))
    assert.equal("2021-01-01", dates.plus("2020-12-31", 1))
    assert.equal("1900-03-01", dates.plus("1900-02-28", 1))
    assert.equal("2000-02-29", dates.plus("2000-03-01", -1))
    assert.equal(0, dates.number("1970-01-01"))
    for n = -40000, 40000, 997 do assert.equal(n, dates.number(dates.of_number(n))) end
  end)

  it("are said in words, and only where they are calendar days", function()
    assert.equal("9 March 2021", dates.spoken("2021-03-09 12:00:00"))
    assert.is_nil(dates.parts("infinity"))
    assert.is_nil(dates.parts("0044-03-15 BC"))
  end)
end)
