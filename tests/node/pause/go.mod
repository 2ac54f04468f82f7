module sshcredential-operator.test/pause

go 1.24
