module markdown

go 1.21
