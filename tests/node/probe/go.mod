module sshcredential-operator.test/probe

go 1.24
