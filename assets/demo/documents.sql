INSERT INTO public.source_document (id, collection, title, created_at) VALUES
  ('SRC-ICX-CONST', 'ICX-CONST', 'Hiến chương của Hệ thống tri thức', '2026-03-02 01:00:00+00'),
  ('SRC-ICX-TERMS', 'ICX-TERMS', 'Bảng thuật ngữ của Hệ thống tri thức', '2026-03-02 01:05:00+00');

INSERT INTO public.source_version (id, document_id, version_no, body, is_current, created_at) VALUES
  ('SRC-ICX-CONST/v1', 'SRC-ICX-CONST', 1, $body$HIẾN CHƯƠNG CỦA HỆ THỐNG TRI THỨC
Bản thứ nhất.
CONSTITUTION OF THE KNOWLEDGE SYSTEM. First version.

[ICX-CONST-0001]
Điều 1. Tên gọi
Hiến chương này đặt ra những nguyên tắc chung của hệ thống tri thức.
Article 1. Name. This Constitution sets out the common principles of the knowledge system.

[ICX-CONST-0002]
Điều 2. Nguồn của sự thật
Mỗi sự việc nên được ghi ở một nơi. Bản sao phải dẫn về nơi ấy.
Article 2. The source of truth. Each fact should be recorded in one place. Copies must refer to that place.

[ICX-CONST-0003]
Điều 3. Ban hành
Chỉ đơn vị đã được kiểm chứng mới được ban hành.
Article 3. Enactment. Only a unit that has been verified may be enacted.
$body$, false, '2026-03-02 02:00:00+00'),
  ('SRC-ICX-TERMS/v1', 'SRC-ICX-TERMS', 1, $body$BẢNG THUẬT NGỮ
GLOSSARY

[ICX-TERMS-0001]
Đơn vị thông tin: phần nhỏ nhất của tri thức có thể đọc riêng mà vẫn trọn nghĩa.
Information unit: the smallest part of knowledge that can be read by itself and still has its full meaning.

[ICX-TERMS-0002]
Dấu vân số: giá trị ngắn tính từ toàn bộ nội dung, khác đi khi nội dung khác đi.
Digest: a short value calculated from the whole content; it differs when the content differs.
$body$, true, '2026-03-09 02:00:00+00');
