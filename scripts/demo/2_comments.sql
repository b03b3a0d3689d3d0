-- What the tables and columns mean. A column's comment is a short noun phrase that reads well in "the
-- average ..." and "whose ... is 5", then its unit after a comma, then anything more after a semicolon.
-- Columns whose names say all have none.

COMMENT ON TABLE country IS 'A country that the shop delivers to.';
COMMENT ON COLUMN country.country_code IS 'country code; two letters, ISO 3166';
COMMENT ON COLUMN country.region IS 'part of Europe';
COMMENT ON COLUMN country.vat_rate IS 'VAT rate, in percent';
COMMENT ON COLUMN country.shipping_fee IS 'standard shipping fee, in euros';
COMMENT ON COLUMN country.delivery_days IS 'usual delivery time, in days';

COMMENT ON TABLE store IS 'A shop that customers can walk into.';
COMMENT ON COLUMN store.street IS 'street address';
COMMENT ON COLUMN store.opened_on IS 'opening date';
COMMENT ON COLUMN store.floor_area IS 'floor area, in square metres';
COMMENT ON COLUMN store.opens_at IS 'opening time; on weekdays';
COMMENT ON COLUMN store.closes_at IS 'closing time; on weekdays';

COMMENT ON TABLE employee IS 'A person who works or has worked for the shop, in a store or at head office.';
COMMENT ON COLUMN employee.full_name IS 'name';
COMMENT ON COLUMN employee.email IS 'e-mail address';
COMMENT ON COLUMN employee.phone IS 'phone number';
COMMENT ON COLUMN employee.store_id IS 'store; empty for head office';
COMMENT ON COLUMN employee.manager_id IS 'manager; empty for the chief executive';
COMMENT ON COLUMN employee.hired_on IS 'hiring date';
COMMENT ON COLUMN employee.left_on IS 'leaving date; empty for those still employed';
COMMENT ON COLUMN employee.salary IS 'monthly salary, in euros';
COMMENT ON COLUMN employee.weekly_hours IS 'weekly working time, in hours';

COMMENT ON TABLE brand IS 'A maker''s name under which products are sold.';
COMMENT ON COLUMN brand.country_code IS 'home country';
COMMENT ON COLUMN brand.founded_in IS 'founding year';

COMMENT ON TABLE category IS 'A branch of the product range; categories form a tree of up to three levels.';
COMMENT ON COLUMN category.parent_id IS 'parent category; empty at the top';
COMMENT ON COLUMN category.menu_position IS 'position in the menu; among the children of one parent';

COMMENT ON TABLE product IS 'An article of the product range, on sale or discontinued.';
COMMENT ON COLUMN product.list_price IS 'list price, in euros; VAT included';
COMMENT ON COLUMN product.grams IS 'weight, in grams';
COMMENT ON COLUMN product.warranty_years IS 'warranty period, in years';
COMMENT ON COLUMN product.attributes IS 'product attributes; material, and by kind colour, sizes, capacity and so on';
COMMENT ON COLUMN product.released_on IS 'release date';
COMMENT ON COLUMN product.discontinued_on IS 'discontinuation date; empty while on sale';

COMMENT ON TABLE supplier IS 'A company that the shop buys products from.';
COMMENT ON COLUMN supplier.country_code IS 'home country';
COMMENT ON COLUMN supplier.email IS 'e-mail address';
COMMENT ON COLUMN supplier.phone IS 'phone number';
COMMENT ON COLUMN supplier.quality_score IS 'quality score; 0 to 10, empty until the first audit';
COMMENT ON COLUMN supplier.lead_days IS 'lead time, in days';
COMMENT ON COLUMN supplier.partner_since IS 'start of the partnership';

COMMENT ON TABLE product_supplier IS 'An offer: a supplier that can deliver a product, and its terms.';
COMMENT ON COLUMN product_supplier.purchase_price IS 'purchase price, in euros; for one piece';
COMMENT ON COLUMN product_supplier.minimum_quantity IS 'minimum order quantity, in pieces';

COMMENT ON TABLE stock IS 'A stock position: what a store has of a product.';
COMMENT ON COLUMN stock.quantity IS 'quantity in stock, in pieces';
COMMENT ON COLUMN stock.reorder_level IS 'reorder level, in pieces; new goods are ordered below it';
COMMENT ON COLUMN stock.shelf IS 'shelf number; empty for goods kept in the back room';
COMMENT ON COLUMN stock.counted_on IS 'date of the last count';

COMMENT ON TABLE promotion IS 'A promotion: some products at a discount for some days.';
COMMENT ON COLUMN promotion.discount_percent IS 'discount, in percent';
COMMENT ON COLUMN promotion.channel IS 'sales channel; empty where it holds for all of them';
COMMENT ON COLUMN promotion.starts_on IS 'first day';
COMMENT ON COLUMN promotion.ends_on IS 'last day';
COMMENT ON COLUMN promotion.budget IS 'advertising budget, in euros';

COMMENT ON TABLE promotion_product IS 'A product that takes part in a promotion.';

COMMENT ON TABLE customer IS 'A person with a customer account.';
COMMENT ON COLUMN customer.full_name IS 'name';
COMMENT ON COLUMN customer.email IS 'e-mail address';
COMMENT ON COLUMN customer.phone IS 'phone number';
COMMENT ON COLUMN customer.birth_date IS 'date of birth';
COMMENT ON COLUMN customer.joined_on IS 'joining date';
COMMENT ON COLUMN customer.tier IS 'loyalty tier';
COMMENT ON COLUMN customer.credit_limit IS 'credit limit, in euros; empty for those who may not pay by invoice';
COMMENT ON COLUMN customer.referrer_id IS 'referring customer';

COMMENT ON TABLE address IS 'A postal address of a customer.';
COMMENT ON COLUMN address.street IS 'street and house number';

COMMENT ON TABLE wish_list_item IS 'A product that a customer would like to have.';
COMMENT ON COLUMN wish_list_item.quantity IS 'wanted quantity';
COMMENT ON COLUMN wish_list_item.added_on IS 'date of the wish';

COMMENT ON TABLE customer_order IS 'An order, from any sales channel.';
COMMENT ON COLUMN customer_order.channel IS 'sales channel';
COMMENT ON COLUMN customer_order.store_id IS 'store; empty for the web and the phone';
COMMENT ON COLUMN customer_order.employee_id IS 'selling employee; empty for the web';
COMMENT ON COLUMN customer_order.status IS 'order status';
COMMENT ON COLUMN customer_order.ordered_at IS 'order date';
COMMENT ON COLUMN customer_order.shipped_at IS 'shipping date; empty for goods not yet shipped or handed over in a store';
COMMENT ON COLUMN customer_order.delivered_on IS 'delivery date';
COMMENT ON COLUMN customer_order.shipping_address_id IS 'shipping address; empty for goods handed over in a store';
COMMENT ON COLUMN customer_order.total IS 'order total, in euros; the sum of the lines, without the shipping fee';
COMMENT ON COLUMN customer_order.shipping_fee IS 'shipping fee, in euros';

COMMENT ON TABLE order_item IS 'A line of an order: so many pieces of one product.';
COMMENT ON COLUMN order_item.quantity IS 'quantity, in pieces';
COMMENT ON COLUMN order_item.unit_price IS 'unit price, in euros; as it was on that day, before the discount';
COMMENT ON COLUMN order_item.discount_percent IS 'discount, in percent';
COMMENT ON COLUMN order_item.promotion_id IS 'promotion; empty where none gave the discount';
COMMENT ON COLUMN order_item.line_total IS 'line total, in euros; quantity times unit price, less the discount';

COMMENT ON TABLE payment IS 'A payment for an order, or an attempt at one; an order may be paid in parts.';
COMMENT ON COLUMN payment.method IS 'payment method';
COMMENT ON COLUMN payment.status IS 'payment status';
COMMENT ON COLUMN payment.amount IS 'amount paid, in euros';
COMMENT ON COLUMN payment.paid_at IS 'payment date';

COMMENT ON TABLE returned_item IS 'An order line that came back, whole or in part.';
COMMENT ON COLUMN returned_item.quantity IS 'returned quantity, in pieces';
COMMENT ON COLUMN returned_item.reason IS 'reason for the return';
COMMENT ON COLUMN returned_item.refund IS 'refund, in euros';
COMMENT ON COLUMN returned_item.returned_on IS 'return date';

COMMENT ON TABLE review IS 'What a customer wrote about a product after buying it.';
COMMENT ON COLUMN review.rating IS 'rating; 1 to 5 stars';
COMMENT ON COLUMN review.comment IS 'review text';
COMMENT ON COLUMN review.helpful_votes IS 'number of helpful votes';
COMMENT ON COLUMN review.reviewed_on IS 'review date';

COMMENT ON TABLE support_ticket IS 'A question or complaint of a customer, and how it was dealt with.';
COMMENT ON COLUMN support_ticket.order_id IS 'order in question; empty for general questions';
COMMENT ON COLUMN support_ticket.employee_id IS 'employee in charge; empty until someone takes it on';
COMMENT ON COLUMN support_ticket.opened_at IS 'opening date';
COMMENT ON COLUMN support_ticket.closed_at IS 'closing date; empty while it is open';
COMMENT ON COLUMN support_ticket.response_time IS 'time to the first response';
COMMENT ON COLUMN support_ticket.satisfaction IS 'satisfaction score; 1 to 5, empty where the customer gave none';

COMMENT ON VIEW product_sales IS 'What each product has sold, cancelled orders left out.';
COMMENT ON COLUMN product_sales.brand_name IS 'brand';
COMMENT ON COLUMN product_sales.category_name IS 'category';
COMMENT ON COLUMN product_sales.units_sold IS 'number of units sold';
COMMENT ON COLUMN product_sales.revenue IS 'revenue, in euros';
COMMENT ON COLUMN product_sales.last_sold_on IS 'date of the last sale';

COMMENT ON VIEW monthly_revenue IS 'Orders and revenue of each month and sales channel, cancelled orders left out.';
COMMENT ON COLUMN monthly_revenue.month IS 'month; its first day';
COMMENT ON COLUMN monthly_revenue.channel IS 'sales channel';
COMMENT ON COLUMN monthly_revenue.order_count IS 'number of orders';
COMMENT ON COLUMN monthly_revenue.customer_count IS 'number of customers';
COMMENT ON COLUMN monthly_revenue.revenue IS 'revenue, in euros';
